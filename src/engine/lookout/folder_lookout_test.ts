import { assert, assertEquals } from "../../../tests/assert.ts";
import { INFO, type LookoutSandbox, withLookout } from "../../../tests/lookout_sandbox.ts";
import type { Env } from "../../env.ts";
import { SyncError } from "../../kit/errors.ts";

const MINUTE = 60_000;

/** How long the item stays as it is, ms of virtual time; -1: longer than `limit`. */
async function timeUntil(box: LookoutSandbox, condition: () => boolean, limit: number): Promise<number> {
  const start = box.fake.monotonic();
  return await box.until(condition, limit) ? box.fake.monotonic() - start : -1;
}

const names = (box: LookoutSandbox) => box.items().map((i) => i.identifier).sort();

Deno.test("an event leads to the item it belongs to, within a tenth of a second", () =>
  withLookout({}, async (box) => {
    box.dataset("day/run");
    const took = await timeUntil(box, () => box.item("day/run") !== undefined, MINUTE);
    assert(took >= 0 && took <= 100, `new: ${took}`);
    const before = box.item("day/run")?.fingerprint;
    await box.fake.clock.pass(20_000);
    box.write("day/run/x.txt", "22");
    const later = await timeUntil(box, () => box.item("day/run")?.fingerprint !== before, MINUTE);
    assert(later >= 0 && later <= 100, `changed: ${later}`);
  }));

Deno.test("with every event lost, everything is found by the next full scan", () =>
  withLookout({}, async (box) => {
    box.dataset("a");
    box.dataset("b");
    await box.until(() => names(box).length === 2, MINUTE);
    await box.fake.clock.pass(MINUTE);
    const before = box.item("a")?.fingerprint;
    box.write("a/x.txt", "changed", false);
    box.dataset("new", false);
    box.fake.disk.remove("/data/b", true);
    const found = () =>
      box.item("a")?.fingerprint !== before && box.item("new") !== undefined &&
      box.item("b")?.absent_since !== null;
    const took = await timeUntil(box, found, 16 * MINUTE);
    assert(took > MINUTE && took <= 15 * MINUTE, `${took}`);
    assert(await box.until(() => box.item("b")?.state === "vanished", 2 * MINUTE));
  }));

Deno.test("lost events that the system owns up to lead to a full scan at once", () =>
  withLookout({}, async (box) => {
    box.dataset("a", false);
    assertEquals(await timeUntil(box, () => names(box).length > 0, 10_000), -1);
    box.fake.watches.get("/data")?.onLost("overflow");
    assert(await timeUntil(box, () => names(box).length > 0, 1000) >= 0);
  }));

Deno.test("what is made in a new folder before it is watched is found some seconds later", () =>
  withLookout({}, async (box) => {
    box.fake.disk.mkdir("/data/day");
    box.tell("/data/day");
    await box.fake.clock.pass(500);
    box.dataset("day/deep/run", false);
    const took = await timeUntil(box, () => box.item("day/deep/run") !== undefined, MINUTE);
    assert(took >= 0 && took <= 3000, `${took}`);
  }));

Deno.test("a single change may be read after 0.4 s, one every 100 ms at the latest after 30 s", () =>
  withLookout({}, async (box) => {
    box.dataset("run");
    await box.until(() => box.item("run") !== undefined, MINUTE);
    const run = () => box.item("run");
    const made = box.fake.now();
    await box.fake.clock.pass(5000);
    assert((run()?.due_at ?? 0) - made <= 450, "a new dataset");

    // As the engine does when it starts to read.
    box.catalog.items.update(run()?.id ?? 0, { state: "done", changed_since: null }, box.fake.now());
    await box.fake.clock.pass(MINUTE);
    const start = box.fake.now();
    box.write("run/x.txt", "first change");
    await box.fake.clock.pass(110);
    const due = (run()?.due_at ?? 0) - start;
    assert(due >= 300 && due <= 500, `a first change: ${due}`);
    let readAt = 0;
    for (let i = 0; i < 400 && readAt === 0; i++) {
      box.write("run/x.txt", "more".repeat(i));
      await box.fake.clock.pass(100);
      if ((run()?.due_at ?? Infinity) <= box.fake.now()) readAt = box.fake.now() - start;
    }
    assert(readAt >= 29_000 && readAt <= 30_200, `changes without end: ${readAt}`);
  }));

Deno.test("hidden entries and the agent's own record cause no look at all", async () => {
  let looks = 0;
  await withLookout({}, async (box) => {
    box.dataset("run");
    await box.until(() => box.item("run") !== undefined, MINUTE);
    await box.fake.clock.pass(10_000);
    looks = 0;
    box.write("run/.QH_manifest.yaml", "x");
    box.write("run/.hidden/x", "x");
    box.write(".git/HEAD", "x");
    await box.fake.clock.pass(5000);
    assertEquals(looks, 0);
    box.write("run/y.txt", "x");
    await box.fake.clock.pass(5000);
    assert(looks > 0);
  }, {
    hooks: { before: ({ name, path }) => void (name === "list" && path.startsWith("/data") && looks++) },
  });
});

Deno.test("level 1: files of any depth lead to their item; a removed folder is gone a minute later", () =>
  withLookout({ level: 1 }, async (box) => {
    box.write("run/a/b/c.txt", "1");
    assert(await box.until(() => box.item("run") !== undefined, 1000));
    const before = box.item("run")?.fingerprint;
    box.write("run/a/b/c.txt", "22");
    assert(await box.until(() => box.item("run")?.fingerprint !== before, 1000));
    box.fake.disk.remove("/data/run", true);
    box.tell("/data/run/a/b/c.txt", "/data/run/a/b", "/data/run/a", "/data/run");
    assert(await box.until(() => box.item("run")?.absent_since !== null, 1000));
    assertEquals(box.item("run")?.state, "waiting");
    const took = await timeUntil(box, () => box.item("run")?.state === "vanished", 5 * MINUTE);
    assert(took >= MINUTE - 1000 && took <= MINUTE + 6000, `${took}`);
    box.write("run/again.txt", "1");
    assert(await box.until(() => box.item("run")?.state === "waiting", 1000), "back again");
  }));

Deno.test("an input that is back before the second look is not gone, although nobody told", () =>
  withLookout({}, async (box) => {
    box.dataset("run");
    await box.until(() => box.item("run") !== undefined, MINUTE);
    box.fake.disk.rename("/data/run", "/elsewhere");
    box.tell("/data/run");
    assert(await box.until(() => box.item("run")?.absent_since !== null, 1000));
    box.fake.disk.rename("/elsewhere", "/data/run");
    assert(await box.until(() => box.item("run")?.absent_since === null, 2 * MINUTE));
    assertEquals(box.item("run")?.state, "waiting");
  }));

Deno.test("the info file decides: an inner folder that gets one takes its files away from the outer dataset", () =>
  withLookout({}, async (box) => {
    box.dataset("outer");
    box.write("outer/inner/i.txt", "1");
    await box.until(() => box.item("outer") !== undefined, MINUTE);
    await box.fake.clock.pass(5000);
    const outer = box.item("outer")?.fingerprint;
    box.write(`outer/inner/${INFO}`, "");
    assert(await box.until(() => box.item("outer/inner") !== undefined, 1000));
    assert(box.item("outer")?.fingerprint !== outer);
    box.fake.disk.remove(`/data/outer/inner/${INFO}`);
    box.tell(`/data/outer/inner/${INFO}`);
    assert(await box.until(() => box.item("outer")?.fingerprint === outer, 1000), "as before");
    assert(await box.until(() => box.item("outer/inner")?.state === "vanished", 2 * MINUTE));
  }));

Deno.test("a watch that is refused is told once; the folder is polled until it can be watched again", async () => {
  let refuse = true;
  const env = (fake: Env): Env => ({
    now: () => fake.now(),
    monotonic: () => fake.monotonic(),
    random: () => fake.random(),
    uuid: () => fake.uuid(),
    sleep: (ms, signal) => fake.sleep(ms, signal),
    fs: fake.fs,
    watch(root, events) {
      if (refuse) throw new SyncError("source", "watch_failed", "no watches left");
      return fake.watch(root, events);
    },
  });
  await withLookout({}, async (box) => {
    assertEquals(box.lookout.watching, "polling");
    box.dataset("a");
    const took = await timeUntil(box, () => box.item("a") !== undefined, MINUTE);
    assert(took >= 0 && took <= 10_000, `${took}`);
    await box.fake.clock.pass(20 * MINUTE);
    assertEquals(box.notices.map((e) => e.code), ["watch_failed"]);
    refuse = false;
    assert(await box.until(() => box.lookout.watching === "events", 6 * MINUTE));
    box.dataset("b");
    assert(await box.until(() => box.item("b") !== undefined, 200));
  }, { env });
});

Deno.test("a root that is gone, or an empty mount point in its place, is the source's error and takes no item away", async () => {
  for (const mountPoint of [false, true]) {
    await withLookout({}, async (box) => {
      box.dataset("a");
      await box.until(() => box.item("a") !== undefined, MINUTE);
      box.fake.disk.rename("/data", "/elsewhere");
      if (mountPoint) box.fake.disk.mkdir("/data");
      box.tell("/data");
      assert(await box.until(() => box.error !== undefined, 2 * MINUTE));
      assertEquals([box.error?.class, box.error?.code], [
        "source",
        mountPoint ? "root_empty" : "root_missing",
      ]);
      assertEquals([box.item("a")?.state, box.item("a")?.absent_since], ["waiting", null]);
    });
  }
});

Deno.test("a folder that cannot be listed makes nothing gone", async () => {
  let closed = false;
  await withLookout({ level: 2 }, async (box) => {
    box.write("day/run/x.txt", "1");
    await box.until(() => box.item("day/run") !== undefined, MINUTE);
    closed = true;
    await box.fake.clock.pass(40 * MINUTE);
    assertEquals([box.item("day/run")?.state, box.item("day/run")?.absent_since], ["waiting", null]);
  }, {
    hooks: {
      before({ path }) {
        if (closed && path.startsWith("/data/day")) throw new Deno.errors.PermissionDenied(path);
      },
    },
  });
});
