import { assert, assertEquals } from "../../../tests/assert.ts";
import { type LookoutSandbox, withLookout } from "../../../tests/lookout_sandbox.ts";
import type { FakeEnv, FakeEnvOptions } from "../../../tests/simulator/fake_env.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Counts calls by name and path. */
function counting(): { calls: string[]; hooks: NonNullable<FakeEnvOptions["hooks"]> } {
  const calls: string[] = [];
  return {
    calls,
    hooks: {
      before: ({ name, path }) => void (path.startsWith("/data") && calls.push(`${name} ${path}`)),
    },
  };
}

const server = { server_folder: true, level: 2 };
const has = (box: LookoutSandbox, ...names: string[]) => names.every((n) => box.item(n) !== undefined);

Deno.test("on a share new items and changes of known ones are found within a minute, without a watch", () =>
  withLookout(server, async (box) => {
    assertEquals([box.fake.watches.size, box.lookout.watching], [0, "polling"]);
    box.write("day/run/x.txt", "1");
    assert(await box.until(() => has(box, "day/run"), MINUTE));
    await box.fake.clock.pass(5 * MINUTE);
    box.write("day/run 2/x.txt", "1");
    box.write("day 2/run/x.txt", "1");
    assert(await box.until(() => has(box, "day/run 2", "day 2/run"), MINUTE));
    const before = box.item("day/run")?.fingerprint;
    box.write("day/run/x.txt", "22");
    assert(await box.until(() => box.item("day/run")?.fingerprint !== before, MINUTE));
  }));

Deno.test("on a share folders that did not change are not listed again, and an empty root is hardly looked at", async () => {
  const { calls, hooks } = counting();
  const before = ({ disk }: FakeEnv) => {
    for (let day = 0; day < 20; day++) {
      for (let run = 0; run < 30; run++) {
        disk.mkdir(`/data/day ${day}/run ${run}`, true);
        disk.touch(`/data/day ${day}/run ${run}/x.txt`);
      }
    }
  };
  await withLookout(server, async (box) => {
    await box.until(() => box.items().length === 600, MINUTE);
    await box.fake.clock.pass(3 * MINUTE);
    calls.length = 0;
    await box.fake.clock.pass(10 * MINUTE);
    assertEquals(calls.filter((c) => /^list \/data\/day \d+$/.test(c)), []);
    box.write("day 3/new/x.txt", "1");
    assert(await box.until(() => has(box, "day 3/new"), MINUTE));
    assertEquals(
      new Set(calls.filter((c) => /^list \/data\/day \d+$/.test(c))),
      new Set(["list /data/day 3"]),
    );
  }, { hooks, before });
  await withLookout(server, async (box) => {
    calls.length = 0;
    await box.fake.clock.pass(10 * MINUTE);
    assert(calls.filter((c) => c.startsWith("list")).length <= 60, calls.join("\n"));
  }, { hooks });
});

Deno.test("on a share every item is looked at in turn, not only the newest 200", async () => {
  const before = ({ disk }: FakeEnv) => {
    for (let run = 0; run < 1000; run++) {
      disk.mkdir(`/data/day/run ${run}`, true);
      const file = disk.touch(`/data/day/run ${run}/x.txt`);
      disk.setTime(file, file.mtime - (1000 - run) * MINUTE);
    }
  };
  await withLookout(server, async (box) => {
    await box.until(() => box.items().length === 1000, MINUTE);
    const fingerprint = () => box.item("day/run 3")?.fingerprint;
    const old = fingerprint();
    const { disk } = box.fake;
    const file = disk.file("/data/day/run 3/x.txt");
    disk.write(file, 0, new Uint8Array([1]));
    assert(await box.until(() => fingerprint() !== old, HOUR));
  }, { before });
});

Deno.test("datasets on a share are marked by their info file, nested ones too", () =>
  withLookout({ server_folder: true, level: -1 }, async (box) => {
    box.dataset("a/outer");
    box.dataset("a/outer/in/inner");
    box.write("loose/x.txt", "1");
    assert(await box.until(() => has(box, "a/outer", "a/outer/in/inner"), MINUTE));
    box.dataset("loose");
    box.dataset("a/outer/later");
    assert(await box.until(() => has(box, "loose", "a/outer/later"), MINUTE));
    assertEquals(box.items().length, 4);
    box.fake.disk.remove("/data/loose", true);
    assert(await box.until(() => box.item("loose")?.state === "vanished", 3 * MINUTE));
    box.dataset("loose");
    assert(await box.until(() => box.item("loose")?.state === "waiting", 3 * MINUTE));
  }));

Deno.test("a dataset on a share whose folder cannot be listed when its mark is seen is found later", async () => {
  let listings = 0;
  const before: NonNullable<FakeEnvOptions["hooks"]>["before"] = ({ name, path }) => {
    // The second listing is that of the item.
    if (name === "list" && path === "/data/run" && ++listings === 2) throw new Error("EIO: i/o error");
  };
  await withLookout({ server_folder: true, level: -1 }, async (box) => {
    box.dataset("run");
    assert(await box.until(() => has(box, "run"), MINUTE));
    assert(listings > 2, `${listings} listings`);
  }, { hooks: { before } });
});

Deno.test("a share that vanishes, or of which only the mount point is left, is an error and takes nothing away", async () => {
  for (const mountPoint of [false, true]) {
    await withLookout(server, async (box) => {
      box.write("day/run/x.txt", "1");
      await box.until(() => has(box, "day/run"), MINUTE);
      box.fake.disk.rename("/data", "/elsewhere");
      if (mountPoint) box.fake.disk.mkdir("/data");
      assert(await box.until(() => box.error !== undefined, 10 * MINUTE));
      assertEquals([box.error?.class, box.error?.code], [
        "source",
        mountPoint ? "root_empty" : "root_missing",
      ]);
      assertEquals([box.item("day/run")?.state, box.item("day/run")?.absent_since], ["waiting", null]);
    });
  }
});

Deno.test("a share that does not answer is an error of the source after some seconds", async () => {
  let silent = false;
  let begun = 0;
  const hooks = {
    beforeLater({ path }: { path: string }) {
      if (!silent || !path.startsWith("/data")) return Promise.resolve();
      begun++;
      return new Promise<void>(() => {});
    },
  };
  await withLookout(server, async (box) => {
    for (let i = 0; i < 50; i++) box.write(`day/run ${i}/x.txt`, "1");
    await box.until(() => box.items().length === 50, MINUTE);
    silent = true;
    assert(await box.until(() => box.error !== undefined, 2 * MINUTE));
    assertEquals([box.error?.class, box.error?.code], ["source", "source_silent"]);
    assert(begun <= 12, `${begun} calls hang`);
    assertEquals(box.item("day/run 1")?.absent_since, null);
  }, { hooks });
});

Deno.test("over a round trip of 5 ms at least 2,000 entries a second are looked at, and a new one is found in a minute", async () => {
  const items = 1500;
  let clock: FakeEnv["clock"] | undefined;
  const hooks = { beforeLater: () => clock?.sleep(5) ?? Promise.resolve() };
  const before = (fake: FakeEnv) => {
    for (let run = 0; run < items; run++) {
      fake.disk.mkdir(`/data/day ${run % 15}/run ${run}`, true);
      for (let f = 0; f < 10; f++) fake.disk.touch(`/data/day ${run % 15}/run ${run}/${f}.dat`);
    }
    clock = fake.clock;
  };
  await withLookout(server, async (box) => {
    const start = box.fake.monotonic();
    assert(await box.until(() => box.catalog.sources.byId(box.id)?.scanned === true, HOUR));
    const seconds = (box.fake.monotonic() - start) / 1000;
    assertEquals(box.items().length, items);
    assert(items * 11 / seconds >= 2000, `${items * 11 / seconds} entries/s`);
    box.write("day 3/new/x.txt", "1");
    assert(await box.until(() => has(box, "day 3/new"), MINUTE));
  }, { hooks, before });
});
