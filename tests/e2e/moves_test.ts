/** Renamed, moved, copied and deleted: every measurement keeps its one dataset, and no byte of it is sent twice. */
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import {
  type DatasetDocument,
  folderSource,
  type ItemDocument,
  type OnceDocument,
  only,
  Workspace,
  writeDataset,
  writeQuiet,
} from "../agent_process.ts";
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "../assert.ts";
import { copyFolder } from "../convert.ts";
import { openDatabase } from "./change_database.ts";

const QUANTIFY = new URL("../fixtures/quantify/quantify-data/", import.meta.url).pathname;
const LABBER = new URL("../fixtures/labber/Labber_Data/", import.meta.url).pathname;
const INFO = "_QH_dataset_info.yaml";

/** Sources whose folders bear no manifest. */
const plain = (root: string) => folderSource(root, "--set", "level=1", "--set", "write_manifest=false");
const quantify = (root: string) => backend("quantify", "quantify_directory", root);
const labber = (root: string) => backend("labber", "labber_directory", root);
const backend = (name: string, key: string, root: string) => [
  "--backend",
  name,
  "--set",
  `${key}=${root}`,
  "--set",
  "set_up=s",
  "--scope",
  "default",
];

const sent = (once: OnceDocument) => [once.files_uploaded, once.bytes_uploaded];
const manifestUuid = async (folder: string) =>
  z.object({ dataset_uuid: z.string() })
    .parse(parse(await Deno.readTextFile(join(folder, ".QH_manifest.yaml")))).dataset_uuid;
const names = (dataset: DatasetDocument) => dataset.files.map((f) => f.name).sort();
const there = (item: ItemDocument | undefined): ItemDocument => {
  assert(item !== undefined, "there is no such item");
  return item;
};
/** What nothing but its own measurement may change in a dataset. */
const content = ({ uuid, files }: DatasetDocument) => ({ uuid, files });

/** A minute later, for what the last look did not find. */
function later(w: Workspace): void {
  using db = openDatabase(join(w.home, "catalog.db"));
  db.run("UPDATE items SET absent_since = absent_since - 61000 WHERE absent_since IS NOT NULL");
}

/** Moves as between disks: the files are new ones with the old content and times. */
async function moveToNewFiles(from: string, to: string): Promise<void> {
  await copyWithTimes(from, to);
  await Deno.remove(from, { recursive: true });
}

async function copyWithTimes(from: string, to: string): Promise<void> {
  const stat = await Deno.stat(from);
  if (stat.isDirectory) {
    await Deno.mkdir(to, { recursive: true });
    for await (const { name } of Deno.readDir(from)) await copyWithTimes(join(from, name), join(to, name));
  } else {
    await Deno.mkdir(dirname(to), { recursive: true });
    await Deno.copyFile(from, to);
    await Deno.utime(to, stat.mtime ?? 0, stat.mtime ?? 0);
  }
}

Deno.test("a file that is renamed or deleted: the new name arrives, the old one stays and is noted", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  await writeDataset(join(root, "one"), { "a.txt": "content", "b.txt": "kept", "c.txt": "to go" });
  await w.once(...folderSource(root));
  const item = there((await w.items()).one);

  await Deno.rename(join(root, "one", "a.txt"), join(root, "one", "renamed.txt"));
  await Deno.remove(join(root, "one", "c.txt"));
  assertEquals(sent(await w.once()), [1, 7]);
  const dataset = await w.dataset(item.datasetUUID);
  assertEquals(names(dataset), ["a.txt", "b.txt", "c.txt", "renamed.txt"]);
  assertEquals(dataset.files.find((f) => f.name === "renamed.txt")?.version_id, 1_700_000_000_000);
  assertEquals((await w.items()).one?.state, "done");
  const { files, logs } = await w.record(item);
  const last = (name: string) => {
    const { action, skip_reason } = files[name]?.at(-1) ?? {};
    return [action, skip_reason];
  };
  assertEquals(last("a.txt"), ["skipped", "deleted_locally"]);
  assertEquals(last("c.txt"), ["skipped", "deleted_locally"]);
  assertEquals(last("b.txt"), ["uploaded", null]);
  assertEquals(logs.filter(([code]) => code === "deleted_locally").length, 2);
  const why = await w.run("why", join(root, "one", "a.txt"));
  assertStringIncludes(why.stdout, "deleted or renamed here");

  // Put back, it is what it was.
  await writeQuiet(join(root, "one", "a.txt"), "content", 1_700_000_000);
  assertEquals(sent(await w.once()), [0, 0]);
  assertEquals((await w.record(item)).files["a.txt"]?.at(-1)?.action, "unchanged");
  assertEquals((await w.once()).items, []);
});

Deno.test("without manifests: renamed, renamed and changed, exchanged, or with a successor of the old name", async (t) => {
  await using w = await Workspace.make();
  const root = w.path("data");
  const at = (...parts: string[]) => join(root, ...parts);
  for (const name of ["a", "b", "run"]) await writeQuiet(at(name, "x.txt"), `of ${name}`, 1_700_000_000);
  await w.once(...plain(root));
  const uuidOf = async (name: string) => there((await w.items())[name]).datasetUUID;
  const [a, b, run] = [await uuidOf("a"), await uuidOf("b"), await uuidOf("run")];
  const before = Object.fromEntries((await w.datasets()).map((d) => [d.uuid, content(d)]));
  const id = there((await w.items()).a).id;

  await t.step("renamed", async () => {
    await Deno.rename(at("a"), at("c"));
    assertEquals(sent(await w.once()), [0, 0]);
    const items = await w.items();
    assertEquals(Object.keys(items).sort(), ["b", "c", "run"]);
    assertEquals([items.c?.id, items.c?.datasetUUID, items.c?.state], [id, a, "done"]);
    assertEquals(content(await w.dataset(a)), before[a]);
    assertEquals((await w.dataset(a)).name, "c");
    assert(
      (await w.record(there(items.c))).logs.some(([code, text]) =>
        code === "moved_from" && text.includes(at("a"))
      ),
    );
    assertStringIncludes((await w.run("why", at("c"))).stdout, `moved here from ${at("a")}`);
    assertEquals((await w.once()).items, []);
  });

  await t.step("renamed, and a file added before the next look", async () => {
    await Deno.rename(at("c"), at("d"));
    await writeQuiet(at("d", "y.txt"), "more", 1_700_000_050);
    assertEquals(sent(await w.once()), [1, 4]);
    assertEquals(await uuidOf("d"), a);
    assertEquals(names(await w.dataset(a)), ["x.txt", "y.txt"]);
  });

  await t.step("two exchange their names", async () => {
    await Deno.rename(at("d"), at("tmp"));
    await Deno.rename(at("b"), at("d"));
    await Deno.rename(at("tmp"), at("b"));
    assertEquals(sent(await w.once()), [0, 0]);
    assertEquals([await uuidOf("d"), await uuidOf("b")], [b, a]);
    assertEquals(content(await w.dataset(b)), before[b]);
    assertEquals([(await w.dataset(b)).name, (await w.dataset(a)).name], ["d", "b"]);
  });

  await t.step("the next measurement takes the name of one that was renamed", async () => {
    await Deno.rename(at("run"), at("run_old"));
    await writeQuiet(at("run", "x.txt"), "of the next run", 1_700_000_100);
    assertEquals(sent(await w.once()), [1, 15]);
    assertEquals(await uuidOf("run_old"), run);
    assertNotEquals(await uuidOf("run"), run);
    assertEquals(content(await w.dataset(run)), before[run]);
    assertEquals((await w.datasets()).length, 4);
  });

  await t.step("one takes the name of another that is deleted", async () => {
    const next = await uuidOf("run");
    await Deno.remove(at("run"), { recursive: true });
    await Deno.rename(at("run_old"), at("run"));
    assertEquals(sent(await w.once()), [0, 0]);
    assertEquals(await uuidOf("run"), run);
    assertEquals(content(await w.dataset(run)), before[run]);
    const gone = only(Object.values(await w.items()).filter((i) => i.datasetUUID === next));
    assertEquals([gone.state, gone.reason?.code], ["deleted_locally", "replaced_locally"]);
  });
});

Deno.test("a folder moves to another source: with the same scope its item goes along, with another it is a new one", async () => {
  await using w = await Workspace.make();
  await w.json("scope", "create", "elsewhere");
  await writeQuiet(w.path("one", "a", "x.txt"), "content", 1_700_000_000);
  await writeQuiet(w.path("two", "z", "x.txt"), "other", 1_700_000_000);
  await writeQuiet(w.path("three", "z", "x.txt"), "third", 1_700_000_000);
  await w.once(...plain(w.path("one")));
  await w.once(...plain(w.path("two")));
  await w.once(...plain(w.path("three")).map((arg) => arg === "default" ? "elsewhere" : arg));
  const a = there((await w.items()).a);
  await Deno.rename(w.path("one", "a"), w.path("two", "a"));
  assertEquals(sent(await w.once()), [0, 0]);
  const moved = there((await w.items()).a);
  assertEquals([moved.id, moved.datasetUUID], [a.id, a.datasetUUID]);
  assertNotEquals(moved.source, a.source);
  assertEquals((await w.datasets()).length, 3);

  await Deno.rename(w.path("two", "a"), w.path("three", "a"));
  await w.once();
  assertEquals((await w.datasets()).length, 4);
  later(w);
  await w.once();
  const states = Object.values(await w.items("--query", "a")).map((i) => i.state).sort();
  assert(states.includes("done"), states.join());
  assertEquals((await w.dataset(a.datasetUUID)).scope.name, "default");
});

Deno.test("Quantify containers and Labber logs that moved as new files are known by what their backend calls them", async () => {
  await using w = await Workspace.make();
  const container = "20241105-142137-118-b0fd56-T1";
  const [day, moved] = [w.path("q", "20241105"), w.path("q", "20241106")];
  const found = only(
    [...Deno.readDirSync(join(QUANTIFY, "20241105"))].filter((e) => e.name.includes("b0fd56")),
  );
  await copyFolder(join(QUANTIFY, "20241105", found.name), join(day, found.name));
  await w.once(...quantify(w.path("q")));
  const log = await firstLog();
  const file = w.path("l", log);
  await Deno.mkdir(dirname(file), { recursive: true });
  await Deno.copyFile(join(LABBER, log), file);
  await Deno.utime(file, 1_700_000_000, 1_700_000_000);
  await w.once(...labber(w.path("l")));
  const before = (await w.datasets()).map(content);
  const ids = Object.values(await w.items()).map((i) => i.id).sort();
  assertEquals(before.length, 2);

  await moveToNewFiles(join(day, found.name), join(moved, found.name));
  await moveToNewFiles(file, join(dirname(file), "renamed.hdf5"));
  assertEquals(sent(await w.once()), [0, 0]);
  assertEquals((await w.datasets()).map(content), before);
  const items = Object.values(await w.items());
  assertEquals(items.map((i) => i.id).sort(), ids);
  assertEquals(
    items.map((i) => [i.dataIdentifier, i.state]).sort(),
    [[join(dirname(log), "renamed.hdf5"), "done"], [`20241106/${found.name}`, "done"]].sort(),
  );
  assertEquals((await w.once()).items, []);
  void container;
});

Deno.test("copies are new datasets, wherever they lie and whatever then becomes of the original", async (t) => {
  for (const copy of ["aa", "zz"]) {
    for (const original of ["m", "moved"]) {
      await t.step(
        `copied to ${copy}, the original ${original === "m" ? "stays" : "is renamed"}`,
        async () => {
          await using w = await Workspace.make();
          const root = w.path("data");
          await writeDataset(join(root, "m"), { "a.txt": "1", "sub/b.txt": "2" });
          await w.once(...folderSource(root));
          const first = only(await w.datasets());
          await copyWithTimes(join(root, "m"), join(root, copy));
          if (original !== "m") await Deno.rename(join(root, "m"), join(root, original));
          assertEquals(sent(await w.once()), [2, 2]);
          const items = await w.items();
          assertEquals(Object.keys(items).sort(), [copy, original].sort());
          assertEquals(there(items[original]).datasetUUID, first.uuid);
          assertEquals(content(await w.dataset(first.uuid)), content(first));
          assertEquals((await w.datasets()).length, 2);
          for (const name of [copy, original]) {
            assertEquals(await manifestUuid(join(root, name)), there(items[name]).datasetUUID, name);
          }
          assertEquals((await w.once()).items, []);
        },
      );
    }
  }
});

Deno.test("copy and original found in one scan of a new catalog stay two, a moved one without its catalog one", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  await writeDataset(join(root, "m"), { "a.txt": "1" });
  await w.once(...folderSource(root));
  const first = only(await w.datasets());
  await copyWithTimes(join(root, "m"), join(root, "aa"));
  await copyWithTimes(join(root, "m"), join(root, "zz"));
  for (const { name } of [...Deno.readDirSync(w.home)]) {
    if (name.startsWith("catalog.db")) await Deno.remove(join(w.home, name));
  }
  assertEquals(sent(await w.once(...folderSource(root))), [2, 2]);
  const items = await w.items();
  assertEquals(there(items.m).datasetUUID, first.uuid);
  assertEquals(new Set(Object.values(items).map((i) => i.datasetUUID)).size, 3);
  assertEquals(content(await w.dataset(first.uuid)), content(first));
});

Deno.test("with manifests, two folders that exchange their names keep their datasets also as new files", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  const at = (name: string) => join(root, name);
  for (const name of ["a", "b"]) await writeDataset(at(name), { "x.txt": `of ${name}` });
  await w.once(...folderSource(root));
  const before = (await w.datasets()).map(content);
  const uuidOf = async (name: string) => there((await w.items())[name]).datasetUUID;
  const [a, b] = [await uuidOf("a"), await uuidOf("b")];
  await moveToNewFiles(at("a"), at("tmp"));
  await moveToNewFiles(at("b"), at("a"));
  await moveToNewFiles(at("tmp"), at("b"));
  assertEquals(sent(await w.once()), [0, 0]);
  assertEquals([await uuidOf("a"), await uuidOf("b")], [b, a]);
  assertEquals((await w.datasets()).map(content), before);
});

Deno.test("a folder without its info file, and a deleted one, stay on the platform; back again they go on", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  for (const name of ["marked", "deleted"]) await writeDataset(join(root, name), { "x.txt": name });
  await writeDataset(join(root, "kept"), { "x.txt": "kept" });
  const source = only((await w.once(...folderSource(root))).sources).name;
  const before = await w.datasets();
  await Deno.remove(join(root, "marked", INFO));
  await Deno.rename(join(root, "deleted"), w.path("away"));
  await w.once();
  const states = async () =>
    Object.fromEntries(
      Object.values(await w.items()).map((i) => [i.dataIdentifier, [i.state, i.reason?.code ?? null]]),
    );
  const done = { kept: ["done", null], marked: ["done", null], deleted: ["done", null] };
  assertEquals(await states(), done, "one look proves nothing");
  later(w);
  const once = await w.once();
  assertEquals(await states(), {
    kept: ["done", null],
    marked: ["deleted_locally", "marker_removed"],
    deleted: ["deleted_locally", null],
  });
  assertEquals(only(once.sources).items_synchronized, 3, source);
  assertEquals(await w.datasets(), before);
  assertStringIncludes((await w.run("why", "marked")).stdout, INFO);
  assertStringIncludes(
    (await w.run("item", "show", String((await w.items()).marked?.id))).stdout,
    "marker_removed",
  );

  await writeQuiet(join(root, "marked", INFO), "", 1_700_000_000);
  await Deno.rename(w.path("away"), join(root, "deleted"));
  assertEquals(sent(await w.once()), [0, 0]);
  assertEquals(await states(), done);
  assertEquals((await w.datasets()).map(content), before.map(content));
});

async function firstLog(): Promise<string> {
  const walk = async (folder: string): Promise<string[]> => {
    const found: string[] = [];
    for (const e of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
      const path = join(folder, e.name);
      if (e.isDirectory) found.push(...await walk(path));
      else if (/\/Data_\d{4}\/[^/.][^/]*\.hdf5$/.test(path)) found.push(path);
    }
    return found;
  };
  const [first] = await walk(LABBER);
  assert(first !== undefined);
  return first.slice(LABBER.length);
}
