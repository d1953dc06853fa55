/** A native source whose agent is killed at any request or in the middle of marking: nothing twice, nothing lost, no cell too many. */
import { DatabaseSync } from "node:sqlite";
import { spawnCli } from "../../src/cli/test_cli.ts";
import { assert, assertEquals } from "../assert.ts";
import { changedCells, marks } from "../database_cells.ts";
import { NativeLab } from "../native_lab.ts";

const ALL_MARKS = marks([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 9, 10]);

/** Whatever happened, one more run finds everything on the platform once, and everything marked. */
async function assertHeals(
  lab: NativeLab,
  home: string,
  before: ReturnType<NativeLab["cells"]>,
): Promise<void> {
  const report = await lab.once(home);
  assertEquals(report.items.filter((i) => i.result !== "synchronized"), []);
  assertEquals(changedCells(before, lab.cells()), ALL_MARKS);
  assertEquals(lab.sql((db) => db.prepare("PRAGMA integrity_check").get()?.integrity_check), "ok");
  const datasets = await lab.platform((client) => client.searchDatasets({}));
  const versions = datasets.flatMap((d) => d.files.map((f) => `${f.uuid} ${f.version_id} ${f.status}`));
  assertEquals([datasets.length, versions.length, new Set(versions).size], [4, 9, 9]);
  assertEquals(versions.filter((v) => !v.endsWith("secured")), []);
}

for (const mode of ["delete", "wal"]) {
  Deno.test(`native, journal mode ${mode}: killed at many requests in turn`, async () => {
    for (const killAt of [2, 5, 9, 14, 20, 27, 35, 44]) {
      await using lab = await NativeLab.make("v0.3-done", "http");
      lab.sql((db) => db.exec(`PRAGMA journal_mode = ${mode}`));
      const before = lab.cells();
      const home = lab.home();
      let requests = 0;
      const child = spawnCli(["once"], { home });
      lab.onRequest = () => {
        if (++requests === killAt) child.kill("SIGKILL");
      };
      await child.status;
      lab.onRequest = () => {};
      assert(requests >= killAt, `only ${requests} requests`);
      await assertHeals(lab, home, before);
    }
  });

  Deno.test(`native, journal mode ${mode}: killed around the marks`, async () => {
    for (const marksSeen of [1, 3, 6]) {
      await using lab = await NativeLab.make("v0.3-done", "http");
      lab.sql((db) => db.exec(`PRAGMA journal_mode = ${mode}`));
      const before = lab.cells();
      const home = lab.home();
      const child = spawnCli(["once"], { home });
      // Another user of the database, which sees marks as soon as they are committed.
      const watcher = new DatabaseSync(lab.database, { timeout: 10_000 });
      const count = watcher.prepare("SELECT count(*) AS n FROM files WHERE synchronized = 1");
      let ended = false;
      const status = child.status.then(() => ended = true);
      while (!ended && Number(count.get()?.n) < marksSeen) await new Promise((r) => setTimeout(r, 1));
      if (!ended) child.kill("SIGKILL");
      await status;
      watcher.close();
      await assertHeals(lab, home, before);
    }
  });
}
