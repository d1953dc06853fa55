/** A QCoDeS database from the command line to files that equal QCoDeS' own export. */
import { z } from "zod";
import { type DatasetDocument, only, qcodesSource, Workspace } from "../agent_process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { copyFolder } from "../convert.ts";
import { openDatabase } from "./change_database.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { netcdfDifferences } from "../netcdf_equal.ts";
import { treeListing } from "../tree_listing.ts";

const FIXTURES = new URL("../fixtures/qcodes/", import.meta.url).pathname;
const ATTRIBUTES = [
  "guid",
  "run_id",
  "captured_run_id",
  "exp_name",
  "sample_name",
  "ds_name",
  "run_description",
  "snapshot",
];

const Runs = z.array(z.object({
  run_id: z.number(),
  guid: z.string(),
  name: z.string(),
  exp_name: z.string(),
  sample_name: z.string(),
  run_timestamp_raw: z.number().nullable(),
  parameters: z.array(z.object({ name: z.string(), label: z.string() })),
}));
const OldRuns = z.object({
  runs: z.array(z.object({
    run_id: z.number(),
    guid_in_file: z.string().nullable(),
    name: z.string(),
    exp_name: z.string(),
    run_timestamp_raw: z.number().nullable(),
    truth_file: z.string().nullish(),
  })),
});

async function assertAttributesEqual(produced: string, truth: string, names: string[]): Promise<void> {
  const [a, b] = [(await netcdfContent(produced)).groups[""], (await netcdfContent(truth)).groups[""]];
  for (const name of names) assertEquals(String(a?.[name]), String(b?.[name]), `attribute ${name}`);
}

/** Seconds since 1970 of a time on the wire, and that it is in UTC. */
function seconds(collected: string): number {
  assertMatch(collected, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  return Date.parse(collected) / 1000;
}

const about = (a: number, b: number) => Math.abs(a - b) < 0.002;

Deno.test("qcodes: all runs of experiments.db", async (t) => {
  await using w = await Workspace.make();
  const folder = w.path("qcodes");
  await copyFolder(FIXTURES, folder);
  const before = treeListing(folder);
  const runs = Runs.parse(JSON.parse(await Deno.readTextFile(`${FIXTURES}expected/runs.json`)));
  const first = await w.once(
    ...qcodesSource(`${folder}/experiments.db`, "--set", "static_attributes.fridge_no=7"),
  );
  const items = await w.items();
  const datasets = await w.datasets();
  const ofRun = (n: number): DatasetDocument =>
    only(datasets.filter((d) => d.uuid === items[String(n)]?.datasetUUID));

  await t.step(
    "28 runs are synchronized, the one that never started is skipped and nothing else",
    async () => {
      const source = only(first.sources);
      assertEquals(
        [
          source.status,
          source.items_total,
          source.items_synchronized,
          source.items_failed,
          source.items_unmapped,
        ],
        ["scanning", 29, 28, 0, 0],
      );
      assertEquals([first.files_uploaded, datasets.length], [28, 28]);
      const skipped = only(first.items.filter((i) => i.result !== "synchronized"));
      assertEquals([skipped.dataIdentifier, skipped.result], ["29", "skipped"]);
      assertMatch(skipped.reason ?? "", /^not_started: /);
      assertEquals([items["29"]?.status, items["29"]?.state, items["29"]?.attempts], [
        "pending",
        "not_started",
        0,
      ]);
      assertEquals(datasets.filter((d) => d.name === "pristine"), []);
      assert(await w.verified() === 28);
    },
  );

  await t.step("the database's folder is as it was", () => {
    assertEquals(treeListing(folder), before);
  });

  for (const run of runs.filter((r) => r.run_id <= 28)) {
    await t.step(`run ${run.run_id} (${run.name.split("\n")[0]}) equals QCoDeS' export`, async () => {
      const dataset = ofRun(run.run_id);
      const file = only(dataset.files);
      assertEquals([file.name, file.type, file.status], ["measurement", "HDF5_NETCDF", "secured"]);
      assertEquals(file.file_generator, "QCoDeS");
      assertEquals(file.version_id, Math.floor((run.run_timestamp_raw ?? 0) * 1000));
      const { measurement = "" } = await w.download(dataset.uuid);
      const truth = `${FIXTURES}expected/run_${String(run.run_id).padStart(2, "0")}.qcodes_export.nc`;
      assertEquals(await netcdfDifferences(measurement, truth), []);
      await assertAttributesEqual(measurement, truth, ATTRIBUTES);
    });
  }

  await t.step("every dataset says where it comes from", () => {
    for (const run of runs.filter((r) => r.run_id <= 28)) {
      const dataset = ofRun(run.run_id);
      assertEquals(dataset.alt_uid, run.guid);
      assertEquals(dataset.name, run.name.split("\n")[0]);
      assert(about(seconds(dataset.collected), run.run_timestamp_raw ?? 0), dataset.collected);
      assertStringIncludes(
        dataset.description ?? "",
        `database : experiments.db | run ID : ${run.run_id} | GUID : ${run.guid} | exp name : ${run.exp_name}`,
      );
      assertEquals(dataset.ranking, { 10: 1, 11: -1 }[run.run_id] ?? 0);
      assertEquals(dataset.attributes.sample, run.sample_name);
      assertEquals([dataset.attributes["set-up"], dataset.attributes.fridge_no], ["fridge", "7"]);
      const labels = run.parameters.map((p) => p.label || p.name);
      for (const label of labels) {
        assert(dataset.keywords.includes(label), `run ${run.run_id}: keyword ${label}`);
      }
      assertEquals(items[String(run.run_id)]?.scope_identifier, run.exp_name);
    }
  });

  await t.step("run 8: further lines of the name, and what the instrument qh_meta says", () => {
    const { name, description, keywords, attributes } = ofRun(8);
    assertEquals(name, "with metadata");
    assert(description?.endsWith("\n\nsecond line goes to the description\nthird line"), description ?? "");
    assertEquals(keywords.filter((k) => ["cooldown 4", "tune-up"].includes(k)).length, 2);
    assertEquals([attributes.fridge, attributes.operator, attributes.run], ["Triton", "AB", "4"]);
  });

  await t.step("run 27: the exception that ended it is an attribute", () => {
    assertStringIncludes(ofRun(27).attributes.measurement_exception ?? "", 'RuntimeError("VISA timeout")');
  });

  await t.step("run 28 was never completed: published as far as it got, and its record says so", async () => {
    const item = items["28"];
    assert(item);
    assert((await w.record(item)).logs.some(([code]) => code === "incomplete"));
  });
});

Deno.test("qcodes: databases of old QCoDeS releases come out as their truth", async (t) => {
  for (const version of ["v0", "v1", "v3", "v4", "v6", "v8"]) {
    await t.step(version, async () => {
      await using w = await Workspace.make();
      const database = w.path("data", `${version}.db`);
      await Deno.mkdir(w.path("data"));
      await Deno.copyFile(`${FIXTURES}old_versions/${version}.db`, database);
      const before = treeListing(w.path("data"));
      const expected = `${FIXTURES}old_versions/expected/`;
      const { runs } = OldRuns.parse(JSON.parse(await Deno.readTextFile(`${expected}${version}/runs.json`)));
      const once = await w.once(...qcodesSource(database));
      const items = await w.items();
      const datasets = await w.datasets();
      assertEquals(Object.keys(items).length, runs.length);
      assertEquals(once.items.filter((i) => i.result === "failed"), []);
      for (const run of runs) {
        const item = items[String(run.run_id)];
        assert(item);
        if (run.run_timestamp_raw === null) {
          assertEquals(item.state, "not_started", `run ${run.run_id}`);
          continue;
        }
        assertEquals(item.state, "done", `run ${run.run_id}`);
        const dataset = only(datasets.filter((d) => d.uuid === item.datasetUUID));
        assertEquals([dataset.name, dataset.alt_uid], [run.name, run.guid_in_file]);
        assert(about(seconds(dataset.collected), run.run_timestamp_raw));
        if (!run.truth_file?.endsWith("qcodes_export.nc")) continue;
        const { measurement = "" } = await w.download(dataset.uuid);
        assertEquals(
          await netcdfDifferences(measurement, `${expected}${run.truth_file}`),
          [],
          `run ${run.run_id}`,
        );
        // Without a guid in the file, the truth's is one that only QCoDeS' upgrade invented.
        const names = ATTRIBUTES.filter((a) => a !== "guid" || run.guid_in_file !== null);
        await assertAttributesEqual(measurement, `${expected}${run.truth_file}`, names);
      }
      assertEquals(treeListing(w.path("data")), before);
    });
  }
});

Deno.test("qcodes: a run that is only in the write-ahead log is read, and no file of the database is touched", async () => {
  await using w = await Workspace.make();
  const folder = w.path("wal_case");
  await copyFolder(`${FIXTURES}wal_case`, folder);
  const before = treeListing(folder);
  await w.once(...qcodesSource(`${folder}/wal_only.db`));
  const dataset = only(await w.datasets());
  const { measurement = "" } = await w.download(dataset.uuid);
  const { variables } = await netcdfContent(measurement);
  assertEquals(Object.values(variables).map((v) => v.shape), Object.values(variables).map(() => [25]));
  assertEquals(treeListing(folder), before);
});

Deno.test("qcodes: a run that starts and grows after it was seen is published, then gets a version", async () => {
  await using w = await Workspace.make();
  await copyFolder(FIXTURES, w.path("qcodes"));
  const database = w.path("qcodes", "experiments.db");
  await w.once(...qcodesSource(database));
  {
    using db = openDatabase(database);
    db.run("UPDATE runs SET run_timestamp = 1795227300.5 WHERE run_id = 29");
  }
  const second = await w.once();
  assertEquals(second.items.map((i) => [i.dataIdentifier, i.result]), [["29", "synchronized"]]);
  const { 28: unfinished } = await w.items();
  assert(unfinished);
  {
    using db = openDatabase(database);
    const table = db.text("SELECT result_table_name FROM runs WHERE run_id = 28");
    const columns = db.columns(table).filter((c) => c !== "id").map((c) => `"${c}"`).join(",");
    db.run(`INSERT INTO "${table}" (${columns}) SELECT ${columns} FROM "${table}" ORDER BY id DESC LIMIT 1`);
    db.run("UPDATE runs SET is_completed = 1, completed_timestamp = 1795227400 WHERE run_id = 28");
  }
  const third = await w.once();
  assertEquals(third.items.map((i) => [i.dataIdentifier, i.result]), [["28", "synchronized"]]);
  const { files } = await w.dataset(unfinished.datasetUUID);
  assertEquals([files.length, new Set(files.map((f) => f.uuid)).size], [2, 1]);
  assertEquals(await w.verified(), 30);
});

Deno.test("qcodes: a database of old days that QCoDeS lifts later keeps its datasets, and they learn their guid", async () => {
  await using w = await Workspace.make();
  await Deno.mkdir(w.path("data"));
  const database = w.path("data", "lab.db");
  await Deno.copyFile(`${FIXTURES}old_versions/v0.db`, database);
  await w.once(...qcodesSource(database));
  const before = await w.items();
  await Deno.copyFile(`${FIXTURES}old_versions/v1.db`, database);
  await w.once();
  const [after, datasets] = [await w.items(), await w.datasets()];
  assertEquals(datasets.length, Object.keys(after).length);
  for (let run = 1; run <= 10; run++) {
    assertEquals(after[run]?.datasetUUID, before[run]?.datasetUUID);
    const dataset = only(datasets.filter((d) => d.uuid === after[run]?.datasetUUID));
    assertMatch(dataset.alt_uid ?? "", /^deafcafe-/);
    assertStringIncludes(dataset.description ?? "", `GUID : ${dataset.alt_uid}`);
  }
});
