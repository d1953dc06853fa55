/** What is said about a measurement later – tags, a star, a comment – arrives without its files being touched (S8). */
import * as h5wasm from "h5wasm/node";
import { join } from "node:path";
import {
  type DatasetDocument,
  folderSource,
  only,
  Workspace,
  writeDataset,
  writeQuiet,
} from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { copyFolder } from "../convert.ts";
import { treeListing } from "../tree_listing.ts";

const fixtures = (path: string) => new URL(`../fixtures/${path}`, import.meta.url).pathname;
const INFO = "_QH_dataset_info.yaml";
const setUp = (backend: string, key: string, root: string, name: string) => [
  ...["--backend", backend, "--set", `${key}=${root}`, "--set", `set_up=${name}`],
  ...["--scope", "default"],
];
const summary = ({ name, description, ranking, keywords, attributes }: DatasetDocument) => ({
  name,
  description,
  ranking,
  keywords: [...keywords].sort(),
  attributes,
});

/** Changes bytes so that only reading them would tell: size, time and file id stay. */
async function changeUnseen(path: string, text: string): Promise<void> {
  const { mtime, size } = await Deno.stat(path);
  assertEquals(size, text.length);
  await Deno.writeTextFile(path, text);
  await Deno.utime(path, mtime ?? 0, mtime ?? 0);
}

Deno.test("folders: an edited info file changes the dataset; no file is read, converted or sent again", async () => {
  await using w = await Workspace.make();
  const root = w.path("data");
  const at = (name: string) => join(root, "one", name);
  const info = (text: string, time: number) =>
    writeQuiet(at(INFO), `converters: {csv_to_hdf5_converter: csv_to_hdf5}\n${text}`, time);
  await writeDataset(join(root, "one"), { "a.txt": "as sent", "t.csv": "x,y\n1,2\n" });
  await info("dataset_name: first\ntags: [one]\n", 1_700_000_000);
  await w.once(...folderSource(root));
  const before = only(await w.datasets());
  await changeUnseen(at("a.txt"), "unseen!");
  await changeUnseen(at("t.csv"), "x,y\n3,4\n");
  await info("dataset_name: second\ntags: [two]\nattributes: {k: 1}\ndescription: more\n", 1_700_000_100);
  const once = await w.once();
  assertEquals([once.items.length, once.files_uploaded, once.bytes_uploaded, once.files_unchanged], [
    1,
    0,
    0,
    3,
  ]);
  const after = only(await w.datasets());
  assertEquals(after.files, before.files);
  assertEquals(summary(after), {
    name: "second",
    description: `more\n\nDataset source path: ${join(root, "one")}`,
    ranking: 0,
    keywords: ["two"],
    attributes: { k: "1" },
  });
  // A renamed folder is not read again either.
  await Deno.rename(join(root, "one"), join(root, "renamed"));
  const moved = await w.once();
  assertEquals([moved.items.length, moved.files_uploaded], [1, 0]);
  assertEquals(only(await w.datasets()).files, before.files);
});

Deno.test("Labber: tags, star and comment that are given later send no file; an appended entry does", async () => {
  await using w = await Workspace.make();
  const log = w.path("l", "2024", "06", "Data_0601", "2D_scalar.hdf5");
  await Deno.mkdir(join(log, ".."), { recursive: true });
  await Deno.copyFile(fixtures("labber/Labber_Data/2024/06/Data_0601/2D_scalar.hdf5"), log);
  await Deno.utime(log, 1_700_000_000, 1_700_000_000);
  await w.once(...setUp("labber", "labber_directory", w.path("l"), "s"));
  const before = only(await w.datasets());
  assertEquals([before.ranking, before.description ?? ""], [1, ""]);
  await edit(log, 1_700_000_100, (file) => {
    file.delete_attribute("star");
    file.create_attribute("star", 0, null, "<b");
    file.delete_attribute("comment");
    file.create_attribute("comment", "looked at later");
    const tags = file.get("Tags");
    assert(tags instanceof h5wasm.Group);
    tags.delete_attribute("Tags");
    tags.create_attribute("Tags", ["new tag"], [1], "S7");
  });
  const once = await w.once();
  assertEquals([once.items.length, once.files_uploaded, once.bytes_uploaded], [1, 0, 0]);
  const after = only(await w.datasets());
  assertEquals(after.files, before.files);
  assertEquals([after.ranking, after.description], [0, "looked at later"]);
  assert(after.keywords.includes("new tag") && !after.keywords.includes("T1"), after.keywords.join());

  await edit(log, 1_700_000_200, (file) => {
    const data = file.get("Data/Data");
    assert(data instanceof h5wasm.Dataset);
    const values = data.value;
    assert(values instanceof Float64Array);
    data.write_slice(
      data.shape?.map((n) => [0, n]) ?? [],
      values.map((v, i) => i === values.length - 1 ? v + 1 : v),
    );
  });
  const third = await w.once();
  assert(third.files_uploaded >= 1, "original and converted");
  const versions = only(await w.datasets()).files.filter((f) => f.name === "original");
  assertEquals(versions.map((f) => f.version_id).sort(), [1_700_000_000_000, 1_700_000_200_000]);
});

Deno.test("a run that changes nothing writes neither record nor manifest; one more or one less left out writes both", async () => {
  await using w = await Workspace.make();
  const folder = join(w.path("data"), "one");
  await writeDataset(folder, { "a.txt": "1", "b.tmp": "2", "c.log": "3" });
  const info = (text: string, time: number) => writeQuiet(join(folder, INFO), text, time);
  await info("skip: ['*.tmp']\n", 1_700_000_000);
  await w.once(...folderSource(w.path("data")));
  const item = only(Object.values(await w.items()));
  const state = async () => ({
    record: await w.json("item", "show", String(item.id)).then((v) =>
      JSON.stringify((v as Shown).sync_record)
    ),
    manifest: treeListing(folder)[".QH_manifest.yaml"],
  });
  const first = await state();
  await Deno.utime(join(folder, "a.txt"), 1_700_000_050, 1_700_000_050);
  assertEquals((await w.once()).items.length, 1);
  assertEquals(await state(), first, "a touched file");
  let last = first;
  for (const [time, skip] of [[100, "skip: ['*.tmp', '*.log']"], [200, "skip: ['*.log']"]] as const) {
    await info(`${skip}\n`, 1_700_000_000 + time);
    await w.once();
    const now = await state();
    assert(now.record !== last.record, skip);
    assert(JSON.stringify(now.manifest) !== JSON.stringify(last.manifest), skip);
    last = now;
  }
  const { files } = await w.record(item);
  assertEquals(files["c.log"]?.at(-1)?.skip_reason, "skip_pattern");
  assertEquals(Object.keys(files).sort(), ["a.txt", "b.tmp", "c.log"]);
  for (const name of ["a.txt", "b.tmp"]) assert(files[name]?.at(-1)?.md5, `${name} with its hashes`);
});

Deno.test("two sources with one measurement: the first names it, the second adds, whichever runs again", async () => {
  await using w = await Workspace.make();
  const container = "20241105-141845-362-b0fd56-T1";
  for (
    const [root, name] of [["one", container], ["two", container.replace("T1", "another name")]] as const
  ) {
    await copyFolder(
      fixtures(`quantify/quantify-data/20241105/${container}`),
      w.path(root, "20241105", name),
    );
  }
  await w.once(...setUp("quantify", "quantify_directory", w.path("one"), "set-up 1"));
  const before = only(await w.datasets());
  const second = await w.once(...setUp("quantify", "quantify_directory", w.path("two"), "set-up 2"));
  assertEquals(second.files_uploaded, 0);
  const both = only(await w.datasets());
  assertEquals([both.uuid, both.name, both.files], [before.uuid, "T1", before.files]);
  for (const { name } of second.sources) {
    await w.json("source", "reset", name, "--all");
    assertEquals((await w.once()).files_uploaded, 0);
    assertEquals(only(await w.datasets()), both, name);
  }
});

Deno.test("a data folder inside another source's, or around it, is refused by name", async () => {
  await using w = await Workspace.make();
  await copyFolder(fixtures("quantify/quantify-data"), w.path("q"));
  await copyFolder(fixtures("labber/Labber_Data"), w.path("q", "inner"));
  await Deno.mkdir(w.path("Q-2"));
  await w.json("source", "add", "q", ...setUp("quantify", "quantify_directory", w.path("q"), "s"));
  const refused = async (...args: string[]) => (await w.failure(2, "source", "add", "x", ...args)).detail;
  const overlap = (path: string) => `${path} has an overlap with "q" (${w.path("q")})`;
  assertEquals(
    await refused(...setUp("labber", "labber_directory", w.path("q", "inner"), "s")),
    overlap(w.path("q", "inner")),
  );
  await Deno.symlink(w.path("q", "inner"), w.path("link"));
  assertEquals(
    await refused(...setUp("labber", "labber_directory", w.path("link"), "s")),
    overlap(w.path("q", "inner")),
  );
  assertEquals(await refused(...folderSource(w.root)), overlap(w.root));
  assertEquals(
    await refused(...setUp("quantify", "quantify_directory", w.path("q", "20241105"), "s")),
    `quantify_directory: "${w.path("q", "20241105")}" looks like the day folder, choose its parent: "${
      w.path("q")
    }"`,
  );
  await w.json("source", "add", "beside", ...setUp("quantify", "quantify_directory", w.path("Q-2"), "s"));
});

interface Shown {
  sync_record: unknown;
}

async function edit(path: string, time: number, work: (file: h5wasm.File) => void): Promise<void> {
  await h5wasm.ready;
  const file = new h5wasm.File(path, "a");
  work(file);
  file.flush();
  file.close();
  await Deno.utime(path, time, time);
}
