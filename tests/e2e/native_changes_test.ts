/** What happens when users, the platform and the agent change a native dataset: both ways, and at bad moments. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { runCli, spawnCli } from "../../src/cli/test_cli.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { changedCells, marks } from "../database_cells.ts";
import { DATASETS, NativeLab, SCOPES } from "../native_lab.ts";

const WAL_CASE = new URL("../fixtures/qcodes/wal_case/", import.meta.url).pathname;
const { rabi } = DATASETS;
const ALL_MARKS = marks([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 9, 10]);
const DAY = 86_400_000;

const attributesOf = (lab: NativeLab, row: number) =>
  lab.sql((db) =>
    Object.fromEntries(
      db.prepare(
        "SELECT key, value FROM ds_attr_link JOIN dataset_attr ON id = dataset_attr_id WHERE dataset_id = ? ORDER BY key",
      ).all(row).map((a) => [a.key, a.value]),
    )
  );

const datasetRow = (lab: NativeLab, row = 1) =>
  lab.sql((db) => ({ ...db.prepare("SELECT * FROM datasets WHERE id = ?").get(row) }));

Deno.test("native: edits go both ways, each to the side that lacks it, and a conflict keeps the platform's", async () => {
  await using lab = await NativeLab.make("v0.3-done");
  await lab.once();
  await lab.platform((client) =>
    client.updateDataset(rabi, {
      description: "said on the web",
      notes: "noted on the web",
      name: "web's name",
      keywords: ["rabi", "fixture", "web"],
      attributes: { sample: "S1b", "set-up": "fridge β", web: "yes" },
    })
  );
  lab.edit(rabi, `ranking = 4, name = 'desk''s name', keywords = '["rabi"]'`);
  lab.sql((db) => {
    db.exec("INSERT INTO dataset_attr (key, value, scope_id) VALUES ('desk', 'yes', 1)");
    db.exec("INSERT INTO ds_attr_link SELECT 1, max(id) FROM dataset_attr");
  });
  const before = lab.cells();
  const report = await lab.once();
  assertEquals(report.items.map((i) => [i.dataIdentifier, i.result]), [[rabi, "synchronized"]]);
  const remote = await lab.dataset(rabi);
  const attributes = { desk: "yes", sample: "S1b", "set-up": "fridge β", web: "yes" };
  assertEquals([remote.name, remote.description, remote.notes, remote.ranking, remote.keywords.sort()], [
    "web's name",
    "said on the web",
    "noted on the web",
    4,
    ["rabi", "web"],
  ]);
  assertEquals(remote.attributes, attributes);
  assertEquals(attributesOf(lab, 1), attributes);
  const changed = changedCells(before, lab.cells()).filter((c) => !/^(dataset_attr|ds_attr_link)\//.test(c));
  assertEquals(changed, [
    "datasets/1/description: 3 files, json in two versions → said on the web",
    'datasets/1/keywords: ["rabi"] → ["rabi", "web"]',
    "datasets/1/name: desk's name → web's name",
    "datasets/1/notes: null → noted on the web",
    "datasets/1/synchronized: 0 → 1",
  ]);
  assertMatch(await lab.record(rabi), /kept_platform_edit/);
  assertEquals((await lab.once()).items, []);
});

Deno.test("native: without a base the side that changed later wins, notes included", async () => {
  await using lab = await NativeLab.make("v0.3-done", "http");
  await lab.once();
  // Another state folder has no base; the platform was changed later than this row …
  lab.edit(rabi, "name = 'old name', notes = 'old note'", Date.now() - DAY);
  await lab.once(lab.home("second"));
  assertEquals([datasetRow(lab).name, datasetRow(lab).notes], ["own rabi scan", null]);
  // … and earlier than this one.
  lab.edit(rabi, "name = 'new name', notes = 'new note'", Date.now() + DAY);
  await lab.once(lab.home("third"));
  const remote = await lab.dataset(rabi);
  assertEquals([remote.name, remote.notes, datasetRow(lab).name], ["new name", "new note", "new name"]);
});

Deno.test("native: a second agent uploads nothing again and only marks", async () => {
  await using lab = await NativeLab.make("v0.2-done", "http");
  const before = lab.cells();
  await lab.once();
  lab.sql((db) => {
    db.exec("UPDATE files SET synchronized = 0");
    db.exec("UPDATE datasets SET synchronized = 0");
  });
  let puts = 0;
  lab.onRequest = ({ method }) => {
    if (method === "PUT" || method === "PATCH" || method === "POST") puts++;
  };
  const report = await lab.once(lab.home("second"));
  assertEquals([report.files_uploaded, report.files_unchanged, puts], [0, 9, 0]);
  assertEquals(changedCells(before, lab.cells()), ALL_MARKS);
  lab.sql((db) => db.exec("UPDATE datasets SET synchronized = 0"));
  assertEquals((await lab.once()).items.length, 4, "the first agent sees that the marks are gone");
  assertEquals([puts, changedCells(before, lab.cells())], [0, ALL_MARKS]);
});

Deno.test("native: qdrive holds the database: the platform gets everything, marks follow when it lets go", async () => {
  await using lab = await NativeLab.make("v0.2-done", "http");
  // All in one dataset, so that there is one to be marked.
  lab.sql((db) => {
    db.exec("UPDATE files SET synchronized = 1 WHERE dataset_id <> 1");
    db.exec("UPDATE datasets SET synchronized = 1 WHERE id <> 1");
  });
  const before = lab.cells();
  const holder = new DatabaseSync(lab.database);
  holder.exec("BEGIN IMMEDIATE");
  const [item] = (await lab.once()).items;
  holder.exec("ROLLBACK");
  holder.close();
  assertEquals(item?.result, "skipped");
  assertMatch(item?.reason ?? "", /^sqlite_busy: /);
  assertEquals(changedCells(before, lab.cells()), []);
  assertEquals((await lab.dataset(rabi)).files.map((f) => f.status), Array(4).fill("secured"));
  await lab.agent(({ items }) => items.list({}).forEach((i) => items.prioritize(i.id)));
  assertEquals((await lab.once()).files_uploaded, 0);
  assertEquals(changedCells(before, lab.cells()), marks([1], [1, 2, 3, 4]));
});

Deno.test("native: a dataset edited between reading and marking is read again before it is marked", async () => {
  await using lab = await NativeLab.make("v0.3-done", "http");
  let edited = false;
  const marksThen: unknown[] = [];
  lab.onRequest = ({ method, url }) => {
    const [name] = Object.entries(DATASETS).find(([, uuid]) => url.includes(uuid)) ?? [];
    if (edited && method === "PATCH" && name !== undefined) {
      const row = Object.keys(DATASETS).indexOf(name) + 1;
      const files = "SELECT sum(synchronized) AS n FROM files WHERE dataset_id = ?";
      marksThen.push(
        datasetRow(lab, row).synchronized,
        lab.sql((db) => db.prepare(files).get(row)?.n),
      );
    }
    if (edited || !url.includes("validate_upload")) return;
    edited = true;
    for (const [name, uuid] of Object.entries(DATASETS)) lab.edit(uuid, `name = 'edited ${name}'`);
  };
  const report = await lab.once();
  assert(edited);
  assertEquals(report.files_uploaded, 9);
  for (const [name, uuid] of Object.entries(DATASETS)) {
    assertEquals((await lab.dataset(uuid)).name, `edited ${name}`);
  }
  assert(marksThen.length > 0, "one was edited after it was read");
  assertEquals(new Set(marksThen), new Set([0]), "nothing was marked before the edit was on the platform");
  assertEquals([1, 2, 3, 4].map((row) => datasetRow(lab, row).synchronized), [1, 1, 1, 1]);
});

Deno.test("native: a kill between upload and mark: the next run marks only", async () => {
  await using lab = await NativeLab.make("v0.3-done", "http");
  const before = lab.cells();
  const home = lab.home();
  let validated = 0;
  const child = spawnCli(["once"], { home });
  lab.afterRequest = ({ url }) => {
    if (url.includes("validate_upload") && ++validated === 9) child.kill("SIGKILL");
  };
  await child.status;
  lab.afterRequest = () => {};
  assertEquals(validated, 9);
  const after = await lab.once(home);
  assertEquals(after.files_uploaded, 0);
  assertEquals(changedCells(before, lab.cells()), ALL_MARKS);
  const versions = await lab.platform(async (client) =>
    (await client.searchDatasets({})).flatMap((d) =>
      d.files.map((f) => `${f.uuid} ${f.version_id} ${f.status}`)
    )
  );
  assertEquals([versions.length, new Set(versions).size], [9, 9]);
});

Deno.test("native: a file that is gone keeps its dataset from being done; the others are, and it follows", async () => {
  await using lab = await NativeLab.make("v0.2-done");
  const before = lab.cells();
  const [path = ""] = lab.sql((db) =>
    db.prepare("SELECT local_path FROM files WHERE id = 2").all().map((r) => String(r.local_path))
  );
  await Deno.rename(path, `${path}.away`);
  const item = (await lab.once()).items.find((i) => i.dataIdentifier === rabi);
  assertEquals(item?.result, "failed");
  assertMatch(item?.reason ?? "", /^file_missing: .*does not exist/);
  assertEquals(changedCells(before, lab.cells()), marks([2, 3, 4], [1, 3, 4, 5, 6, 7, 9, 10]));
  await Deno.rename(`${path}.away`, path);
  await lab.agent(({ items }) => items.list({ query: rabi }).forEach((i) => items.reset(i.id)));
  assertEquals((await lab.once()).files_uploaded, 1);
  assertEquals(changedCells(before, lab.cells()), ALL_MARKS);
  // Gone for good, while the platform has it.
  await Deno.remove(path);
  lab.sql((db) => db.exec("UPDATE files SET synchronized = 0, local_path = NULL WHERE id = 2"));
  assertEquals((await lab.once()).items.map((i) => i.result), ["synchronized"]);
  assertEquals(
    lab.sql((db) => db.prepare("SELECT synchronized FROM files WHERE id = 2").get()?.synchronized),
    1,
  );
});

Deno.test("native: qdrive goes on writing its WAL database meanwhile and is never kept from it", async () => {
  await using lab = await NativeLab.make("v0.3-done");
  lab.sql((db) => db.exec("PRAGMA journal_mode = WAL"));
  const script = join(lab.root, "qdrive.ts");
  await Deno.writeTextFile(
    script,
    `import { DatabaseSync } from "node:sqlite";
    const db = new DatabaseSync(${JSON.stringify(lab.database)}, { timeout: 10000 });
    let stop = false, commits = 0, slowest = 0;
    Deno.stdin.read(new Uint8Array(1)).then(() => stop = true);
    while (!stop) {
      const started = performance.now();
      db.exec("UPDATE users SET lastname = 'n" + commits++ + "'");
      slowest = Math.max(slowest, performance.now() - started);
      if (commits === 1) console.log("ready");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    db.close();
    console.log(JSON.stringify({ commits, slowest }));`,
  );
  const writer = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-config", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertMatch((await lines.read()).value ?? "", /^ready/);
  const report = await lab.once();
  await writer.stdin.close();
  const told = (await lines.read()).value ?? "";
  assertEquals((await writer.status).code, 0, "no commit failed");
  await lines.cancel();
  assertEquals(report.items.filter((i) => i.result !== "synchronized"), []);
  assertEquals([1, 2, 3, 4].map((row) => datasetRow(lab, row).synchronized), [1, 1, 1, 1]);
  assertEquals(lab.sql((db) => db.prepare("PRAGMA integrity_check").get()?.integrity_check), "ok");
  const { commits } = JSON.parse(told);
  assertEquals(lab.sql((db) => db.prepare("SELECT lastname FROM users").get()?.lastname), `n${commits - 1}`);
});

Deno.test("native: a serving agent sees what users make and change", async () => {
  await using lab = await NativeLab.make("v0.3-live");
  await lab.agent(async (agent) => {
    const serving = await agent.serve();
    const until = async (what: string, holds: () => boolean) => {
      for (let waited = 0; !holds(); waited += 50) {
        assert(waited < 30_000, `${what} within 30 s`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const marked = (row: number) => datasetRow(lab, row).synchronized === 1;
    const fileMarked = (row: number) =>
      lab.sql((db) => db.prepare("SELECT synchronized FROM files WHERE id = ?").get(row)?.synchronized) === 1;
    try {
      await until("all datasets are marked", () => [1, 2, 3, 4].every(marked));
      lab.edit(rabi, "name = 'edited while it serves'");
      await until("the edit is noted", () => marked(1));
      assert(!fileMarked(10));
      lab.sql((db) =>
        db.exec("UPDATE files SET status = 'complete', modified = '2026-01-01 00:00:00.000001' WHERE id = 10")
      );
      await until("the complete measurement is noted", () => fileMarked(10));
    } finally {
      await serving.close();
    }
  });
  assertEquals((await lab.dataset(rabi)).name, "edited while it serves");
  assertEquals((await lab.dataset(DATASETS.live)).files.map((f) => f.status), ["secured"]);
});

Deno.test("native: where qdrive has a database its source makes itself, once, and a second one is refused", async () => {
  await using lab = await NativeLab.make("v0.3-done");
  const data = join(lab.root, "share");
  await Deno.mkdir(join(data, "quantum_machines"), { recursive: true });
  await Deno.symlink(lab.folder, join(data, "quantum_machines", "etiket"));
  const run = async (...args: string[]) => {
    const home = join(lab.root, "home");
    const { code, stdout } = await runCli([...args, "--json"], {
      home,
      env: { XDG_DATA_HOME: data, ETIKET_SYNC_NATIVE: "on" },
    });
    return { code, said: JSON.parse(stdout) };
  };
  const { said } = await run("once");
  assertEquals(
    said.sources.map((s: Record<string, unknown>) => [s.name, s.backend, s.items_synchronized]),
    [["QH datasets", "etiket_sync_agent_native", 4]],
  );
  const second = await run(
    "source",
    "add",
    "more",
    "--backend",
    "native",
    "--set",
    `data_directory=${lab.folder}`,
  );
  assertEquals([second.code, second.said.error], [2, "sync_source_config_error"]);
  assertMatch(second.said.detail, /only one native source, and "QH datasets" is one/);
  assertEquals((await run("source", "remove", "QH datasets")).code, 0);
  assertEquals((await run("once")).said.sources, []);
  const byHand = await run(
    "source",
    "add",
    "mine",
    "--backend",
    "native",
    "--set",
    `data_directory=${lab.folder}`,
  );
  assertEquals(byHand.code, 0);
});

Deno.test("native: a measurement that qdrive has under another uuid goes to that dataset (4.1)", async () => {
  await using lab = await NativeLab.make("v0.3-synced");
  const database = join(lab.root, "wal_only.db");
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.copyFile(`${WAL_CASE}wal_only.db${suffix}`, database + suffix);
  }
  await lab.platform((client) => client.createScope({ uid: SCOPES.a, name: "own scope A" }));
  const guid = await lab.agent(async (agent) => {
    const source = { name: "fridge", backend: "qcodes", config: { database_path: database, set_up: "x" } };
    await agent.sources.add({ ...source, scope: SCOPES.a });
    await agent.once({ dryRun: true });
    using db = new DatabaseSync(`file:${database}?mode=ro`, { readOnly: true });
    return String(db.prepare("SELECT guid FROM runs").get()?.guid);
  });
  lab.sql((db) => db.prepare("UPDATE datasets SET alt_uid = ? WHERE id = 1").run(guid));
  const { items } = await lab.once();
  assertEquals(items.map((i) => [i.source, i.datasetUUID, i.result]), [["fridge", rabi, "synchronized"]]);
  const dataset = await lab.dataset(rabi);
  assertEquals([dataset.alt_uid, dataset.scope.uid, dataset.files.length], [guid, SCOPES.a, 1]);
});
