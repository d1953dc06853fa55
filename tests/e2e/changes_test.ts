/** What happens after the first run: nothing when nothing changed, exactly what changed otherwise, and never over a user. */
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import {
  type DatasetDocument,
  folderSource,
  only,
  qcodesSource,
  Workspace,
  writeDataset,
  writeQuiet,
} from "../agent_process.ts";
import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { copyFolder } from "../convert.ts";
import { treeListing } from "../tree_listing.ts";
import { openDatabase } from "./change_database.ts";

const FIXTURES = new URL("../fixtures/qcodes/", import.meta.url).pathname;

const uuids = (datasets: DatasetDocument[]) => datasets.map((d) => d.uuid).sort();
const versions = (dataset: DatasetDocument, name: string) =>
  dataset.files.filter((f) => f.name === name).sort((a, b) => a.version_id - b.version_id);
const manifestUuid = async (folder: string) =>
  z.object({ dataset_uuid: z.string() })
    .parse(parse(await Deno.readTextFile(join(folder, ".QH_manifest.yaml")))).dataset_uuid;

Deno.test("a second run does nothing; a changed file adds one version; a touched one none; a file set back one more", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  await writeDataset(
    join(root, "one"),
    { "a.txt": "first", "b.json": "{}", "t.csv": "x,y\n1,2\n" },
    1_700_000_000,
  );
  await writeDataset(join(root, "two"), { "c.txt": "kept" });
  await writeQuiet(
    join(root, "one", "_QH_dataset_info.yaml"),
    "converters: {csv_to_hdf5_converter: csv_to_hdf5}\n",
    1_700_000_000,
  );
  await w.once(...folderSource(root));
  const [{ one }, before, platform] = [await w.items(), treeListing(root), await w.datasets()];
  assert(one);

  const second = await w.once();
  assertEquals([second.items, second.files_uploaded, second.bytes_uploaded], [[], 0, 0]);
  assertEquals(treeListing(root), before, "manifests included");
  assertEquals(await w.datasets(), platform);

  const path = join(root, "one", "a.txt");
  await writeQuiet(path, "second", 1_700_000_100);
  const third = await w.once();
  assertEquals(third.items.map((i) => i.dataIdentifier), ["one"]);
  assertEquals(third.files_uploaded, 1);
  assertEquals(versions(await w.dataset(one.datasetUUID), "a.txt").map((f) => f.version_id), [
    1_700_000_000_000,
    1_700_000_100_000,
  ]);

  await Deno.utime(path, 1_700_000_200, 1_700_000_200);
  const fourth = await w.once();
  assertEquals([fourth.items.length, fourth.files_uploaded, fourth.bytes_uploaded], [1, 0, 0]);

  // Copied back with a new time; with its old one it would be the first version again, and nothing be sent.
  await writeQuiet(path, "first", 1_700_000_300);
  await w.once();
  const files = versions(await w.dataset(one.datasetUUID), "a.txt");
  assertEquals(files.length, 3);
  assertEquals(files[2]?.md5_checksum, files[0]?.md5_checksum);
  assertEquals(new Set(files.map((f) => f.uuid)).size, 1, "all versions of one name share one file uuid");
  const all = await w.dataset(one.datasetUUID);
  assertEquals([
    versions(all, "b.json").length,
    versions(all, "t.csv").length,
    versions(all, "t.hdf5").length,
  ], [1, 1, 1]);
  assertEquals(await w.verified(), 7);
});

Deno.test("a star that is given in the QCoDeS database later, and a new name, arrive without sending a file", async () => {
  await using w = await Workspace.make();
  await Deno.mkdir(w.path("q"));
  const database = w.path("q", "experiments.db");
  await Deno.copyFile(`${FIXTURES}experiments.db`, database);
  await w.once(...qcodesSource(database));
  const items = await w.items();
  const of = async (run: number) => await w.dataset(items[run]?.datasetUUID ?? "");
  {
    using db = openDatabase(database);
    db.run("UPDATE runs SET inspectr_tag = 'star' WHERE run_id = 2");
    db.run("UPDATE runs SET inspectr_tag = NULL WHERE run_id = 10");
    db.run("UPDATE runs SET name = 'renamed' WHERE run_id = 3");
  }
  const second = await w.once();
  assertEquals(second.items.map((i) => i.dataIdentifier).sort(), ["10", "2", "3"]);
  assertEquals((await of(2)).ranking, 1);
  assertEquals((await of(10)).ranking, 0);
  assertEquals((await of(3)).name, "renamed");
  assertEquals(versions(await of(2), "measurement").length, 1);
  assertEquals(versions(await of(10), "measurement").length, 1);
  assertEquals(versions(await of(3), "measurement").length, 1);
  assertEquals([second.files_uploaded, second.bytes_uploaded, second.files_unchanged], [0, 0, 3]);
});

Deno.test("a user's edits on the platform survive, and changes at the source still arrive beside them", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  const info = (text: string, time: number) =>
    writeQuiet(join(root, "one", "_QH_dataset_info.yaml"), text, time);
  await writeDataset(join(root, "one"), { "a.txt": "1" });
  await info("dataset_name: mine\ntags: [t1, t2]\nattributes: {a: 1, b: 2, c: 3}\n", 1_700_000_000);
  await w.once(...folderSource(root));
  const { one } = await w.items();
  const uuid = one?.datasetUUID ?? "";
  await w.onPlatform((client) =>
    client.updateDataset(uuid, {
      name: "the user's",
      ranking: 1,
      keywords: ["t1", "added by the user"],
      attributes: { a: "the user's", b: "2", c: "3", extra: "the user's" },
    })
  );
  await w.once();
  assertEquals((await w.dataset(uuid)).name, "the user's");

  // What the user did not touch changes with the source, what the user changed stays.
  await info(
    "dataset_name: mine\ntags: [t1, t2, t3]\nattributes: {a: 1, b: 5, d: 6}\ndescription: new\n",
    1_700_000_100,
  );
  await w.once();
  const merged = async () => {
    const { name, ranking, keywords, attributes, description } = await w.dataset(uuid);
    return { name, ranking, keywords: [...keywords].sort(), attributes, description };
  };
  const expected = {
    name: "the user's",
    ranking: 1,
    keywords: ["added by the user", "t1", "t3"],
    attributes: { a: "the user's", b: "5", d: "6", extra: "the user's" },
    description: `new\n\nDataset source path: ${root}/one`,
  };
  assertEquals(await merged(), expected);

  // A change of both sides keeps the user's.
  await info(
    "dataset_name: renamed at the source\ntags: [t1, t2, t3]\nattributes: {a: 9, b: 5, d: 6}\ndescription: new\n",
    1_700_000_200,
  );
  await w.once();
  assertEquals(await merged(), expected);
  assert(
    (await w.record((await w.items()).one ?? one ?? raise())).logs.some(([code]) =>
      code === "kept_platform_edit"
    ),
  );

  // Even a catalog that is lost does not undo them: the manifest carries what was pushed last.
  await forget(w);
  await w.once(...folderSource(root));
  assertEquals(await merged(), expected);
});

Deno.test("with the catalog lost, folders and runs find their datasets again and send nothing", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  await writeDataset(join(root, "one"), { "a.txt": "1", "t.csv": "x,y\n1,2\n" });
  await writeQuiet(
    join(root, "one", "_QH_dataset_info.yaml"),
    "converters: {csv_to_hdf5_converter: csv_to_hdf5}\n",
    1_700_000_000,
  );
  await writeDataset(join(root, "deep", "two"), { "b.txt": "2" });
  await copyFolder(FIXTURES, w.path("q"));
  const database = qcodesSource(w.path("q", "experiments.db"));
  await w.once(...folderSource(root));
  await w.once(...database);
  const before = await w.datasets();
  assertEquals(before.length, 30);
  await forget(w);
  const folders = await w.once(...folderSource(root));
  const runs = await w.once(...database);
  assertEquals([folders.files_uploaded, runs.files_uploaded], [0, 0]);
  assertEquals([folders.files_unchanged, runs.files_unchanged], [4, 28]);
  const strip = (d: DatasetDocument[]) => [...d].sort((a, b) => a.uuid < b.uuid ? -1 : 1);
  assertEquals(strip(await w.datasets()), strip(before));
  const items = Object.values(await w.items()).filter((i) => i.status === "synchronized");
  assertEquals(items.map((i) => i.datasetUUID).sort(), uuids(before));
});

Deno.test("a renamed folder stays its dataset, a copied one becomes another, both without harm to the first", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  await writeDataset(join(root, "one"), { "a.txt": "1", "sub/b.txt": "2" });
  await w.once(...folderSource(root));
  const first = only(await w.datasets());

  await Deno.mkdir(join(root, "2026"));
  await Deno.rename(join(root, "one"), join(root, "2026", "moved"));
  const moved = await w.once();
  assertEquals([moved.files_uploaded, moved.bytes_uploaded], [0, 0]);
  const after = only(await w.datasets());
  assertEquals([after.uuid, after.files], [first.uuid, first.files]);
  const items = await w.items();
  assertEquals(Object.values(items).map((i) => [i.dataIdentifier, i.datasetUUID]), [[
    "2026/moved",
    first.uuid,
  ]]);
  assertEquals(await manifestUuid(join(root, "2026", "moved")), first.uuid);

  await copyFolder(join(root, "2026", "moved"), join(root, "copy"));
  await w.once();
  const both = await w.datasets();
  assertEquals(both.length, 2);
  const copy = (await w.items()).copy?.datasetUUID ?? "";
  assertNotEquals(copy, first.uuid);
  assertEquals(await manifestUuid(join(root, "copy")), copy);
  assertEquals(await manifestUuid(join(root, "2026", "moved")), first.uuid);
  assertEquals(both.find((d) => d.uuid === first.uuid)?.files, first.files);
  assertEquals(both.find((d) => d.uuid === copy)?.files.map((f) => f.name).sort(), ["a.txt", "sub/b.txt"]);
  assertEquals((await w.once()).items, []);
});

Deno.test("a new default scope moves the datasets without sending a byte", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  await writeDataset(join(root, "one"), { "a.txt": "1" });
  await copyFolder(FIXTURES, w.path("q"));
  await w.once(...folderSource(root));
  const source = only((await w.once(...qcodesSource(w.path("q", "experiments.db")))).sources).name;
  const folders = (await w.items()).one?.source ?? "";
  const before = await w.datasets();
  await w.json("scope", "create", "elsewhere");
  await w.json("source", "update", source, "--scope", "elsewhere");
  await w.json("source", "update", folders, "--scope", "elsewhere");
  const moved = await w.once();
  assertEquals([moved.files_uploaded, moved.bytes_uploaded], [0, 0]);
  const after = await w.datasets();
  assertEquals(uuids(after), uuids(before));
  assertEquals(after.filter((d) => d.scope.name !== "elsewhere"), []);
  assertEquals(
    after.find((d) => d.attributes.sample === undefined)?.files,
    before.find((d) => d.attributes.sample === undefined)?.files,
  );
  await w.json("source", "update", source, "--scope", "elsewhere");
  assertEquals((await w.once()).items, [], "the same scope again re-queues nothing");
});

/** Removes the agent's memory; the platform beside it stays. */
async function forget(w: Workspace): Promise<void> {
  for (const { name } of [...Deno.readDirSync(w.home)]) {
    if (name.startsWith("catalog.db")) await Deno.remove(join(w.home, name));
  }
}

function raise(): never {
  throw new Error("there is no such item");
}
