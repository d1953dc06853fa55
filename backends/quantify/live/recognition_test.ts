import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "../../../tests/assert.ts";
import { SyncError } from "../../../src/kit/errors.ts";
import { containers, FIXTURES } from "../testing.ts";
import { column, type Container, follow, Lab, range } from "./testing.ts";

const DATA = join(FIXTURES, "quantify-data");

const begun = (n = 3) => [column("x0", range(10)), column("y0", range(10).map((i) => i < n ? i : NaN))];

async function notLive(lab: Lab, container: Container): Promise<string> {
  const answer = await lab.live(container);
  assert("not_live" in answer, "it is live");
  return answer.not_live;
}

Deno.test("live is what was written a moment ago and has cells left, or is rewritten still", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  assertMatch(await notLive(lab, run), /no dataset\.hdf5/);
  await run.write(begun());
  lab.now += 119_000;
  await lab.session(run);
  lab.now += 2000;
  assertMatch(await notLive(lab, run), /written 121 s ago/);
  await run.write(begun(10));
  lab.now += 1900;
  await lab.session(run);
  lab.now += 200;
  assertMatch(await notLive(lab, run), /all 10 points are written/);
});

Deno.test("a run that was followed a moment ago is followed to its end, although it has ended", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write(begun(10));
  lab.now += 5000;
  const answer = await lab.live(run, true);
  assert("session" in answer);
  const replay = await follow(answer.session);
  assertEquals([replay.writtenCount("y0"), replay.end?.reason], [10, "filled"]);
});

Deno.test("only the newest container with a data file in the data folder is live", async () => {
  await using lab = await Lab.open();
  const run = await lab.container("101500");
  await run.write(begun());
  const older = await lab.container("101459");
  await older.write(begun());
  await lab.container("235959", "no file");
  await Deno.mkdir(`${lab.root}/29990101/not-a-tuid`, { recursive: true });
  await Deno.writeTextFile(`${lab.root}/29990101/not-a-tuid/dataset.hdf5`, "");
  await Deno.mkdir(`${lab.root}/analysis/29990101-101500-000-abcdef`, { recursive: true });
  await Deno.writeTextFile(`${lab.root}/analysis/29990101-101500-000-abcdef/dataset.hdf5`, "");
  await lab.session(run);
  assertMatch(await notLive(lab, older), /101500-123-abc123-run is newer/);
  const tomorrow = await lab.container("000001", "next", "20250603");
  await tomorrow.write(begun());
  assertMatch(await notLive(lab, run), /20250603-000001-123-abc123-next is newer/);
});

Deno.test("a newer container ends the run as soon as it has a data file, and nothing before that is lost", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write(begun());
  const session = await lab.session(run);
  const replay = await follow(session);
  const next = await lab.container("111500", "next");
  await run.write(begun(4));
  await follow(session, replay);
  assertEquals([replay.writtenCount("y0"), replay.end], [4, undefined]);
  await run.write(begun(5));
  await next.write(begun());
  await follow(session, replay);
  assertEquals([replay.writtenCount("y0"), replay.end?.reason, replay.end?.complete], [
    5,
    "superseded",
    null,
  ]);
  assertMatch(replay.end?.evidence ?? "", /20250602-111500-123-abc123-next/);
});

Deno.test("a run whose container is taken away is lost", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write(begun());
  const session = await lab.session(run);
  const replay = await follow(session);
  await Deno.remove(run.folder, { recursive: true });
  await follow(session, replay);
  assertEquals(replay.end, undefined, "a file that is written anew may be gone for a moment");
  lab.now += 6000;
  await follow(session, replay);
  assertEquals([replay.end?.reason, replay.end?.complete], ["lost", false]);
});

Deno.test("an interrupted run keeps its cells unmeasured and does not end by itself", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write(begun());
  const session = await lab.session(run);
  const replay = await follow(session);
  lab.now += 119_000;
  await follow(session, replay);
  assertEquals([replay.writtenCount("y0"), replay.end, session.silence], [3, undefined, "ends"]);
});

Deno.test("a run without points is followed, and is never called whole", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write([column("x0", []), column("y0", [])]);
  const session = await lab.session(run);
  const replay = await follow(session);
  assertEquals([replay.shape("x0"), replay.shape("y0")], [[0], [0]]);
  lab.now += 10_000;
  await follow(session, replay);
  assertEquals(replay.end, undefined);
  await run.write(begun());
  await follow(session, replay);
  assertEquals([replay.epochs, replay.writtenCount("y0")], [1, 3]);
});

Deno.test("a file that is cut off is waited for, and told of when it stays so", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write(begun());
  const session = await lab.session(run);
  const replay = await follow(session);
  const bytes = await run.bytes(begun(5));
  for (const length of [0, 96, bytes.length - 1]) {
    lab.now += 500;
    await Deno.writeFile(run.file, bytes.subarray(0, length));
    await run.touch();
    for (const _ of range(3)) await follow(session, replay);
    if (length === 0) assertEquals(replay.delays, []);
    const failure = await assertRejects(async () => await lab.live(run));
    assert(failure instanceof SyncError && failure.class === "busy", failure.message);
  }
  assert(replay.delays.length > 0 && replay.writtenCount("y0") === 3);
  await run.write(begun(5));
  await follow(session, replay);
  assertEquals([replay.writtenCount("y0"), replay.end], [5, undefined]);
});

Deno.test("a file that its writer left open is read when it rests", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  const path = containers(DATA).find((path) => path.includes("fb15ee"));
  const bytes = await Deno.readFile(join(DATA, path ?? "", "dataset.hdf5"));
  assertEquals(bytes[8], 0, "version of the superblock");
  // File consistency flags: open for writing.
  bytes[20] = 1;
  await Deno.writeFile(run.file, bytes);
  for (;;) {
    try {
      const replay = await follow(await lab.session(run));
      assertEquals(await run.differences(replay), []);
      return;
    } catch (e) {
      if (!(e instanceof SyncError && e.class === "busy")) throw e;
    }
  }
});
