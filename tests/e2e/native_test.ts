/** qdrive's local database: what goes to the platform, and that nothing but marks is written. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { changedCells, marks } from "../database_cells.ts";
import { DATASETS, NativeLab, SCOPES } from "../native_lab.ts";
import { treeListing } from "../tree_listing.ts";

const ALL_FILES = [1, 2, 3, 4, 5, 6, 7, 9];
const LIVE_FILE = 10;

const brief = (
  files: { filename: string; version_id: number; size: number; type: string; status: string }[],
) => files.map((f) => `${f.filename} ${f.version_id} ${f.size} ${f.type} ${f.status}`).sort();

for (const [layout, platform] of [["v0.2", "embedded"], ["v0.3", "http"]] as const) {
  Deno.test(`native ${layout}, done, ${platform}: everything arrives and only marks are set`, async () => {
    await using lab = await NativeLab.make(`${layout}-done`, platform);
    const [before, files] = [lab.cells(), treeListing(join(lab.folder, "data"))];
    const report = await lab.once();
    assertEquals(
      report.items.map((i) => [i.dataIdentifier, i.datasetUUID, i.result]).sort(),
      Object.values(DATASETS).map((uuid) => [uuid, uuid, "synchronized"]),
    );
    assertEquals(report.files_uploaded, 9);

    const rabi = await lab.dataset(DATASETS.rabi);
    assertEquals(
      [
        rabi.name,
        rabi.creator,
        rabi.collected,
        rabi.description,
        rabi.keywords,
        rabi.attributes,
        rabi.scope.uid,
      ],
      [
        "own rabi scan",
        "lab_user",
        "2025-06-01T10:00:00.123456+00:00",
        "3 files, json in two versions",
        ["rabi", "fixture"],
        { sample: "S1", "set-up": "fridge β" },
        SCOPES.a,
      ],
    );
    assertEquals(brief(rabi.files), [
      "data.hdf5 1748772001123 16008 HDF5_NETCDF secured",
      "notes.txt 1748772003123 31 TEXT secured",
      "settings.json 1748772002123 30 JSON secured",
      "settings.json 1748772004123 66 JSON secured",
    ]);
    const settings = rabi.files.filter((f) => f.name === "settings");
    assertEquals(settings.map((f) => f.uuid), Array(2).fill("00001002-0000-4000-8000-000000001002"));
    const data = rabi.files.find((f) => f.filename === "data.hdf5");
    assert(data);
    const path = join(
      lab.folder,
      "data",
      SCOPES.a,
      rabi.uuid,
      data.uuid,
      String(data.version_id),
      "data.hdf5",
    );
    assertEquals(data.md5_checksum, createHash("md5").update(Deno.readFileSync(path)).digest("hex"));
    assertEquals([data.creator, data.collected, data.file_generator], [
      "lab_user",
      "2025-06-01T10:00:01.123456+00:00",
      "h5py",
    ]);

    const altUid = await lab.dataset(DATASETS.altUid);
    assertEquals([altUid.alt_uid, altUid.scope.uid, altUid.scope.name], [
      "exp-0001",
      SCOPES.b,
      "own scope B",
    ]);
    assertEquals(brief(altUid.files), [
      "array.npz 1748772011123 238 NDARRAY secured",
      "plain.h5 1748772012123 10240 HDF5 secured",
    ]);
    const cache = await lab.dataset(DATASETS.cache);
    assertEquals([cache.notes, cache.ranking], ["a note added later", 2]);
    assertEquals(brief(cache.files), [
      "empty.txt 1748772023123 0 TEXT secured",
      "info.json 1748772021123 13 JSON secured",
    ]);
    assertEquals(brief((await lab.dataset(DATASETS.live)).files), [
      "measurement.hdf5 1748772031123 18412 HDF5_NETCDF secured",
    ]);

    assertEquals(changedCells(before, lab.cells()), marks([1, 2, 3, 4], [...ALL_FILES, LIVE_FILE]));
    assertEquals(treeListing(join(lab.folder, "data")), files);
    assertEquals([...Deno.readDirSync(join(lab.folder, "sql"))].map((e) => e.name), ["etiket_db.sql"]);
    const again = await lab.once();
    assertEquals([again.items, again.files_uploaded], [[], 0]);
  });

  Deno.test(`native ${layout}, live: a file that is still written stays, and follows when it is complete`, async () => {
    await using lab = await NativeLab.make(`${layout}-live`);
    const before = lab.cells();
    const report = await lab.once();
    assertEquals(report.items.map((i) => i.result), Array(4).fill("synchronized"));
    assertEquals((await lab.dataset(DATASETS.live)).files, []);
    assertEquals(changedCells(before, lab.cells()), marks([1, 2, 3, 4], ALL_FILES));
    assertMatch(await lab.record(DATASETS.live), /"skip_reason":"still_writing".*skip_still_writing/);
    assertMatch(await lab.record(DATASETS.cache), /skip_cache_file/);
    lab.sql((db) =>
      db.exec("UPDATE files SET status = 'complete', modified = '2026-01-01 00:00:00.000001' WHERE id = 10")
    );
    assertEquals((await lab.once()).files_uploaded, 1);
    assertEquals((await lab.dataset(DATASETS.live)).files.map((f) => f.status), ["secured"]);
  });

  Deno.test(`native ${layout}, synced: nothing is sent and nothing written`, async () => {
    await using lab = await NativeLab.make(`${layout}-synced`);
    const before = treeListing(lab.folder);
    const report = await lab.once();
    assertEquals([report.items, report.files_uploaded], [[], 0]);
    assertEquals(treeListing(lab.folder), before);
    assertEquals(await lab.platform((client) => client.searchDatasets({})), []);
  });
}

Deno.test("native: a dry run says what would be done and leaves database and platform alone", async () => {
  await using lab = await NativeLab.make("v0.3-done");
  const before = treeListing(lab.folder);
  const report = await lab.agent(async (agent) => {
    await agent.sources.add({ name: "n", backend: "native", config: { data_directory: lab.folder } });
    return await agent.once({ dryRun: true });
  });
  assertEquals(report.items.map((i) => i.plan?.dataset), Array(4).fill("create"));
  assertEquals(
    report.items.flatMap((i) => i.plan?.files ?? []).map((f) => f.action),
    Array(9).fill("uploaded"),
  );
  assertEquals(treeListing(lab.folder), before);
  assertEquals(await lab.platform((client) => client.searchDatasets({})), []);
});

Deno.test("native: another platform than the embedded one gets no scope made", async () => {
  await using lab = await NativeLab.make("v0.3-done", "http");
  lab.sql((db) => db.exec("UPDATE scopes SET uuid = 'cccccccc00004000800000000000000c' WHERE id = 2"));
  const before = lab.cells();
  const report = await lab.once();
  const failed = report.items.filter((i) => i.result !== "synchronized");
  assertEquals(failed.map((i) => i.dataIdentifier), [DATASETS.altUid]);
  assertMatch(failed[0]?.reason ?? "", /^scope_missing: .*own scope B/);
  assertEquals(changedCells(before, lab.cells()), marks([1, 3, 4], [1, 2, 3, 4, 7, 9, 10]));
  assertEquals((await lab.platform((client) => client.scopes())).length, 3);
});
