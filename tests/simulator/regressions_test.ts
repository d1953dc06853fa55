/** What histories once brought to light, each told as shortly as it can be. */
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "../assert.ts";
import { CatalogShelf } from "./catalog.ts";
import type { Fault, FaultPlan, Operation } from "./faults.ts";
import { NO_FAULTS } from "./faults.ts";
import { History } from "./history.ts";
import { md5Of } from "./platform.ts";

/** @param expected the faults that have to happen for the story to be told */
async function tell(play: (history: History) => Promise<void>, ...expected: Fault[]): Promise<void> {
  const shelf = new CatalogShelf();
  try {
    const history = new History(1, shelf);
    const { problems } = await history.run({
      faults: NO_FAULTS,
      async play(h) {
        await h.ensureServing();
        await play(h);
      },
    });
    assertEquals(problems, []);
    assertEquals([...history.world.happened.keys()], expected);
  } finally {
    shelf.dispose();
  }
}

/** One fault at the first operation that `is` one, counted from when the plan is made. */
function once(fault: Fault, is: (operation: Operation) => boolean): FaultPlan {
  let happened = false;
  return {
    at(operation) {
      if (happened || !is(operation)) return undefined;
      happened = true;
      return fault;
    },
  };
}

/** The reply to a request that matches. */
function replyTo(pattern: RegExp): (operation: Operation) => boolean {
  let asked = false;
  return ({ kind, what }) => {
    if (kind === "request" && pattern.test(what)) asked = true;
    return asked && kind === "replied";
  };
}

const marked = (h: History, files: string[]) => h.lab.measureIn("/lab/marked", true, files);

Deno.test("a scope that is changed while an item runs is the item's scope in the end", () =>
  tell(async (h) => {
    await marked(h, ["raw.bin"]);
    const { clock } = h.world;
    const isRunning = () =>
      h.agent?.catalog.items.list({ states: ["running"], limit: 1, offset: 0 }).length === 1;
    while (!isRunning()) await clock.sleep(1);
    h.changeScope();
    await clock.sleep(90_000);
  }));

Deno.test("an agent that died of moving a dataset does not take the move for the user's", () =>
  tell(async (h) => {
    await marked(h, ["raw.bin"]);
    await h.world.clock.sleep(20_000);
    h.world.faults = once("kill", replyTo(/dataset\/move\/$/));
    h.changeScope();
    await h.agent?.gone();
    h.changeScope();
  }, "kill"));

Deno.test("an agent that died of an update does not take its own words for the user's", () =>
  tell(async (h) => {
    const m = await marked(h, ["raw.bin"]);
    await h.world.clock.sleep(20_000);
    h.world.faults = once("kill", replyTo(/^PATCH/));
    h.lab.editInfo(m);
    await h.agent?.gone();
    for (let i = 0; i < 6; i++) h.lab.editInfo(m);
  }, "kill"));

Deno.test("an agent that died of making and then of moving a dataset still knows what it told", () =>
  tell(async (h) => {
    h.world.faults = once("kill", replyTo(/^POST .*\/dataset\/$/));
    const m = await marked(h, ["raw.bin"]);
    await h.agent?.gone();
    h.changeScope();
    h.world.faults = once("kill", ({ kind, what }) => kind === "request" && what.endsWith("/dataset/move/"));
    await h.ensureServing();
    await h.agent?.gone();
    for (let i = 0; i < 6; i++) h.lab.editInfo(m);
  }, "kill"));

Deno.test("what is gone is known to be gone although the clock was set back by years", () =>
  tell(async (h) => {
    const m = await marked(h, ["raw.bin"]);
    await h.world.clock.sleep(20_000);
    h.lab.remove(m);
    await h.world.clock.sleep(5000);
    h.world.clock.jump(-10 * 365 * 86_400_000);
  }));

Deno.test("a re-packed file of equal content is no difference to verify", () =>
  tell(async (h) => {
    const m = await marked(h, ["data.h5"]);
    await h.world.clock.sleep(20_000);
    await h.lab.writeTo(m, "data.h5", 2);
    await h.world.clock.sleep(20_000);
  }));

for (const fault of ["kill", "power_cut"] as const) {
  Deno.test(`a file that is re-packed after its upload was cut off by a ${fault} is no difference to verify`, () =>
    tell(async (h) => {
      h.world.faults = once(fault, replyTo(/validate_upload\/single_part\/$/));
      const m = await h.lab.measureIn("/lab/plain", false, ["data.h5"]);
      await h.agent?.gone();
      await h.lab.writeTo(m, "data.h5", 2);
    }, fault));
}

Deno.test("a catalog that cannot be written for a while neither ends nor busies the agent, nor loses an item", () =>
  tell(async (h) => {
    await marked(h, ["raw.bin", "table.csv"]);
    h.world.faults = { at: ({ kind }) => kind === "catalog" ? "ENOSPC" : undefined };
    const before = h.world.operations;
    await h.world.clock.sleep(60_000);
    assert(h.world.operations - before < 2000, `${h.world.operations - before} operations in a minute`);
    assert(h.agent && !h.agent.ended);
  }, "ENOSPC"));

Deno.test("a dataset whose making ended in a power cut follows its source to another scope", () =>
  tell(async (h) => {
    await marked(h, ["raw.bin"]);
    h.world.faults = once("power_cut", replyTo(/^POST .*\/dataset\/$/));
    await h.agent?.gone();
    h.changeScope();
  }, "power_cut"));

Deno.test("links for parts that never arrived leave no upload open", () =>
  tell(async (h) => {
    const m = await marked(h, ["big.dat"]);
    h.world.faults = once("kill", replyTo(/presigned_link\/$/));
    await Promise.race([h.agent?.gone(), h.world.clock.sleep(20_000)]);
    h.lab.removeFile(m);
  }, "kill"));

const versionsOf = (h: History, name: string) =>
  [...h.world.platform.files.values()].filter((f) => f.name === name && f.status === "secured")
    .map((f) => f.md5_checksum);

Deno.test("what another agent sends at this moment does not go up a second time", () =>
  tell(async (h) => {
    const { platform, clock } = h.world;
    const m = await marked(h, ["raw.bin"]);
    await clock.sleep(20_000);
    const [first] = [...platform.files.values()].filter((f) => f.name === "raw.bin");
    assert(first);
    const bytes = Buffer.from("as another agent sees it, too");
    h.lab.restore(m, "raw.bin", bytes);
    const now = h.world.platformNow();
    const others = { ...first, version_id: now, size: bytes.length, modified: now };
    platform.files.set(`${first.uuid}/${now}`, { ...others, status: "pending", md5_checksum: null });
    await clock.sleep(6000);
    const md5 = md5Of(bytes);
    platform.objects.set(`${first.uuid}/${now}`, bytes);
    platform.files.set(`${first.uuid}/${now}`, {
      ...others,
      status: "secured",
      md5_checksum: md5,
      modified: h.world.platformNow(),
    });
    await clock.sleep(90_000);
    assertEquals(versionsOf(h, "raw.bin"), [first.md5_checksum, md5]);
  }));

Deno.test("a file that is set back before its new content went up has no new version", () =>
  tell(async (h) => {
    const { clock, disk } = h.world;
    const m = await marked(h, ["raw.bin"]);
    await clock.sleep(20_000);
    const before = Buffer.from(disk.file(`${m.path}/raw.bin`).bytes);
    h.world.faults = {
      at: ({ kind, what }) =>
        kind === "request" && what === "POST /api/v2/file/" ? "internal_error" : undefined,
    };
    h.lab.restore(m, "raw.bin", Buffer.from("for a short while only"));
    await clock.sleep(20_000);
    h.lab.restore(m, "raw.bin", before);
    h.world.faults = NO_FAULTS;
    await clock.sleep(90_000);
    assertEquals(versionsOf(h, "raw.bin"), [md5Of(before)]);
  }, "internal_error"));

Deno.test("without a connection items are read and hashed, so that only sending is left", () =>
  tell(async (h) => {
    const { clock } = h.world;
    const { network } = h;
    network.downUntil = clock.monotonic() + 120_000;
    const opened: string[] = [];
    h.world.faults = {
      at({ kind, what }) {
        if (kind === "read" && what.startsWith("open ") && clock.monotonic() < network.downUntil) {
          opened.push(what);
        }
        return undefined;
      },
    };
    for (let n = 0; n < 5; n++) {
      await marked(h, ["raw.bin"]);
      await clock.sleep(15_000);
    }
    assertEquals(h.world.platform.datasets.size, 0);
    const read = opened.filter((what) => what.endsWith("/raw.bin"));
    assertEquals(read.length, 5, `each once: ${opened}`);
    await clock.sleep(90_000);
  }));

Deno.test("an update that was cut off and takes effect after a later one is no edit of the user", () =>
  tell(async (h) => {
    const m = await marked(h, ["raw.bin"]);
    await h.world.clock.sleep(20_000);
    h.world.faults = once("late", ({ kind, what }) => kind === "request" && what.startsWith("PATCH"));
    const editAll = () => {
      for (let i = 0; i < 12; i++) h.lab.editInfo(m);
    };
    editAll();
    while (!h.world.happened.has("late")) await h.world.clock.sleep(1);
    editAll();
    const late = () => h.world.trace.findIndex((line) => line.includes("late: PATCH"));
    while (late() < 0) await h.world.clock.sleep(1);
    const patches = h.world.trace.slice(0, late()).filter((line) => / request PATCH/.test(line));
    assert(patches.length > 1, "the later update was there first");
  }, "late"));

Deno.test("a change that was seen while its item ran counts also when the last look fails", () =>
  tell(
    async (h) => {
      const m = await marked(h, ["raw.bin"]);
      const { clock } = h.world;
      const item = () => {
        const [only] = h.agent?.catalog.items.list({ limit: 1, offset: 0 }) ?? [];
        assert(only);
        return only;
      };
      let [isSlow, isChanged, isOver] = [false, false, false];
      h.world.faults = {
        at({ kind, what }) {
          if (kind === "request" && /^GET .*\/file\/read\//.test(what) && !isSlow) {
            isSlow = true;
            return "slow";
          }
          if (kind === "replied") isOver = isChanged;
          return isOver && kind === "read" && /^(list|stat) \/lab\/marked\/run 1/.test(what)
            ? "EIO"
            : undefined;
        },
      };
      while (!isSlow) await clock.sleep(1);
      const { fingerprint } = item();
      h.lab.restore(m, "raw.bin", new Uint8Array([1, 2, 3]));
      while (item().fingerprint === fingerprint) await clock.sleep(1);
      isChanged = true;
      while (!h.world.happened.has("EIO")) await clock.sleep(1);
      await clock.sleep(100);
    },
    "slow",
    "EIO",
  ));
