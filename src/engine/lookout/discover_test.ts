/** Full looks at a folder source, on a real disk. */
import { assert, assertEquals, assertNotEquals } from "../../../tests/assert.ts";
import { DiscoverySandbox } from "../../../tests/discovery_sandbox.ts";
import { lookAtItem } from "../../discovery/folder_scan.ts";
import type { Env } from "../../env.ts";
import { systemEnv } from "../../env.ts";
import type { FolderSourcePlan } from "../services.ts";

const HOUR_MS = 3_600_000;

/** The clock is an hour ahead, so that files written by the test are not too young to be recognised by their signature. */
async function withSource(
  plan: Partial<FolderSourcePlan>,
  work: (box: DiscoverySandbox, root: string, clock: { ahead: number }) => Promise<void>,
): Promise<void> {
  const temp = Deno.makeTempDirSync();
  const clock = { ahead: HOUR_MS };
  const env: Env = { ...systemEnv, now: () => Date.now() + clock.ahead };
  Deno.mkdirSync(`${temp}/data`);
  const box = new DiscoverySandbox(temp, { root: `${temp}/data`, level: 1, ...plan }, env);
  try {
    await work(box, box.plan.root, clock);
  } finally {
    box.close();
    Deno.removeSync(temp, { recursive: true });
  }
}

function write(path: string, text: string): void {
  Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

Deno.test("an unchanged item is recognised and left alone; a changed one gets the fingerprint that a run will see", () =>
  withSource({}, async (box, root) => {
    for (let i = 0; i < 1200; i++) write(`${root}/run ${i}/x.txt`, `${i}`);
    await box.discover();
    assertEquals(box.items().length, 1200);
    const before = new Map(box.items().map((i) => [i.identifier, `${i.fingerprint} ${i.updated}`]));
    await box.discover();
    write(`${root}/run 7/x.txt`, "changed");
    await box.discover();
    const changed = box.items().filter((i) => before.get(i.identifier) !== `${i.fingerprint} ${i.updated}`);
    assertEquals(changed.map((i) => i.identifier), ["run 7"]);
    for (const item of box.items().slice(0, 50)) {
      assertEquals(lookAtItem(box.plan, item.identifier)?.fingerprint, item.fingerprint);
    }
  }));

Deno.test("absent in two full looks a minute apart: gone; a moved item is not confused with one that stayed", () =>
  withSource({}, async (box, root, clock) => {
    for (const name of ["a", "b", "c"]) write(`${root}/${name}/x.txt`, name);
    await box.discover();
    Deno.removeSync(`${root}/b`, { recursive: true });
    await box.discover();
    assertEquals(box.items().map((i) => [i.identifier, i.absent_since !== null]).sort(), [
      ["a", false],
      ["b", true],
      ["c", false],
    ]);
    clock.ahead += 61_000;
    await box.discover();
    assertEquals([box.item("a")?.state, box.item("b")?.state], ["waiting", "vanished"]);
    write(`${root}/b/x.txt`, "b");
    await box.discover();
    assertEquals(box.item("b")?.state, "waiting");
  }));

Deno.test("single files: each is an item, links to nothing are none", () =>
  withSource({ single_file: true, name_pattern: "\\.dat$" }, async (box, root) => {
    for (const name of ["a.dat", "b.dat", "c.txt"]) write(`${root}/${name}`, name);
    Deno.symlinkSync("nowhere", `${root}/dangling.dat`);
    await box.discover();
    await box.discover();
    assertEquals(box.items().map((i) => i.identifier).sort(), ["a.dat", "b.dat"]);
    const before = box.item("a.dat")?.fingerprint;
    write(`${root}/a.dat`, "other");
    Deno.removeSync(`${root}/b.dat`);
    await box.discover();
    assertNotEquals(box.item("a.dat")?.fingerprint, before);
    assert(box.item("b.dat")?.absent_since !== null);
  }));

Deno.test("of what belongs to no item all is counted and the newest 1,000 are listed; an equal list is not written again", () =>
  withSource({ level: 2 }, async (box, root) => {
    Deno.mkdirSync(`${root}/loose`);
    for (let i = 0; i < 2500; i++) {
      const path = `${root}/loose/${i}.txt`;
      Deno.writeTextFileSync(path, "");
      const time = new Date(Date.now() - i * 1000);
      Deno.utimeSync(path, time, time);
    }
    await box.discover();
    const { unmatched_count } = box.catalog.sources.byId(box.id) ?? {};
    const list = box.catalog.sources.unmatched(box.id);
    assertEquals([unmatched_count, list.length], [2500, 1000]);
    const newest = new Set(list.map((u) => u.path));
    assert(Array.from({ length: 1000 }, (_, i) => `loose/${i}.txt`).every((p) => newest.has(p)));
    assertEquals(new Set(list.map((u) => u.reason)), new Set(["too_shallow"]));
    const pages = () => Deno.statSync(`${root}/../catalog.db-wal`).size;
    const written = pages();
    await box.discover();
    assertEquals(pages(), written);
  }));
