import { basename, join } from "node:path";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../tests/assert.ts";
import { folderbaseFacts, unpackFolderbase } from "../../tests/folderbase_fixture.ts";
import {
  converter,
  CONVERTERS,
  readDataset as read,
  readFailure as failure,
  withDataset,
} from "../../tests/read_folderbase.ts";
import type { DatasetDraft } from "../../src/kit/drafts.ts";
import folderbase from "./mod.ts";

const names = (draft: DatasetDraft) => draft.files.map((f) => f.name);
const codes = (draft: DatasetDraft) => (draft.logs ?? []).map((l) => l.code);
const conversions = (draft: DatasetDraft) => (draft.conversions ?? []).map((c) => [c.converter, c.name]);

Deno.test("every fixture dataset has exactly its files, under their names, with their times", async () => {
  await using fixture = await unpackFolderbase();
  for (const fact of await folderbaseFacts()) {
    if (!fact.expect) continue;
    const draft = await read(join(fixture.root, fact.root), fact.dataset);
    assertEquals(names(draft), [...fact.expect].sort(), fact.dataset);
    assertEquals(draft.problems, [], fact.dataset);
    for (const file of draft.files) {
      const onDisk = fact.files_on_disk.find((f) => f.path === file.name);
      assertEquals(file.created, onDisk!.mtime * 1000, file.path);
      assertEquals(file.path, join(fixture.root, fact.root, fact.dataset, file.name));
      assertEquals([file.filename, file.staged, file.type], [basename(file.name), false, "auto"]);
      assertEquals((await Deno.stat(file.path)).size, onDisk!.size);
    }
  }
});

Deno.test("simple: name, time, attributes, tags, description", async () => {
  await using fixture = await unpackFolderbase();
  const root = join(fixture.root, "level_any");
  const draft = await read(root, "simple");
  assertEquals(draft.name, "Simple data set");
  assertEquals(draft.collected, "2024-03-05T13:07:09.000000+00:00");
  assertEquals(draft.attributes, { sample: "SQ1", T: 0.02, n: 3 });
  assertEquals(draft.keywords, ["t1", "t2"]);
  assertEquals(draft.description, `two files\n\nDataset source path: ${join(root, "simple")}`);
  assertEquals([draft.ranking, draft.alt_uid, draft.logs, draft.skips], [0, undefined, [], []]);
});

Deno.test("skip: the rest is recorded as skipped", async () => {
  await using fixture = await unpackFolderbase();
  const draft = await read(join(fixture.root, "level_any"), "skip");
  assertEquals(names(draft), ["dir2/b.csv", "keep.txt"]);
  assertEquals(draft.skips?.map((s) => [s.path, s.reason]), [
    ["dir0/file2.text", "skip_pattern"],
    ["dir1", "skip_pattern"],
    ["dir2/cache", "skip_pattern"],
    ["file1.text", "skip_pattern"],
    ["junk", "skip_pattern"],
  ]);
});

Deno.test("legacy keys: created before creation, keywords as tags", async () => {
  await using fixture = await unpackFolderbase();
  const draft = await read(join(fixture.root, "level_any"), "legacy");
  assertEquals(draft.collected, "2020-01-02T02:04:05.000000+00:00");
  assertEquals(draft.keywords, ["old", "keys"]);
  assertEquals(codes(draft), []);
});

Deno.test("converters: every csv in whatever case, every store; stores are not walked", async () => {
  await using fixture = await unpackFolderbase();
  const root = join(fixture.root, "level_any");
  const csv = await read(root, "csv conv");
  assertEquals(names(csv), ["UPPER.CSV", "bad.csv", "files/data.csv"]);
  assertEquals(conversions(csv), [
    ["csv_to_hdf5", "UPPER.CSV"],
    ["csv_to_hdf5", "bad.csv"],
    ["csv_to_hdf5", "files/data.csv"],
  ]);
  assertEquals(csv.conversions![2]!.input, join(root, "csv conv", "files", "data.csv"));
  for (const set of ["zarr v2", "zarr v3"]) {
    const draft = await read(root, set);
    assertEquals(names(draft), ["note.txt"]);
    assertEquals(conversions(draft), [
      ["zarr_to_netcdf4", "files/data.zarr"],
      ["zarr_to_zip", "files/data.zarr"],
    ]);
    assertEquals([draft.skips, draft.logs], [[], []]);
  }
  const blosc = await read(root, "zarr blosc v2");
  assertEquals([names(blosc), conversions(blosc)], [[], [["zarr_to_netcdf4", "b.zarr"]]]);
  assertEquals(blosc.collected, "2024-07-01T12:02:26.000000+00:00", "no files: time of the info file");
});

Deno.test("no converter: three logs, the store is skipped, the file is uploaded", async () => {
  await using fixture = await unpackFolderbase();
  const draft = await read(join(fixture.root, "level_any"), "no converter");
  assertEquals(names(draft), ["a.npz"]);
  assertEquals(codes(draft), [
    "converter_not_installed",
    "converter_key_invalid",
    "converter_declaration_invalid",
  ]);
  assertEquals(draft.skips?.map((s) => [s.path, s.reason]), [
    ["c.zarr", "zarr_without_converter"],
    ["converters.npz_to_csv_converter", "converter_not_installed"],
  ]);
  assertEquals([draft.conversions, draft.problems], [[], []]);
});

Deno.test("bad values: read as well as they can be", async () => {
  await using fixture = await unpackFolderbase();
  const draft = await read(join(fixture.root, "level_any"), "bad values");
  assertEquals(draft.name, "12");
  assertEquals(draft.collected, "2024-05-06T05:08:09.000000+00:00");
  assertEquals(draft.keywords, ["one"]);
  assertEquals(draft.attributes, { a: { b: 1 }, d: true });
  assertEquals(codes(draft), ["attribute_empty"]);
  assertEquals(names(draft), ["b.csv"]);
  assertEquals(draft.skips?.map((s) => s.path), ["a.txt"]);
});

Deno.test("broken info files are refused with line and column", async () => {
  await using fixture = await unpackFolderbase();
  const root = join(fixture.root, "level_any");
  for (
    const [set, place] of [
      ["broken yaml", /: line 1, column 16: /],
      ["yaml is a list", /: line 1, column 1: /],
    ] as const
  ) {
    const e = await failure(root, set);
    assertEquals([e.class, e.code], ["data", "info_file_invalid"], set);
    assert(place.test(e.message), e.message);
    assertStringIncludes(e.message, join(root, set, "_QH_dataset_info.yaml"));
    assert(e.hint !== "");
  }
});

Deno.test("empty, BOM and CRLF, empty folder, nested, hidden, unicode", async () => {
  await using fixture = await unpackFolderbase();
  const root = join(fixture.root, "level_any");
  const empty = await read(root, "empty yaml");
  assertEquals([empty.name, names(empty), codes(empty)], ["empty yaml", ["a.txt"], []]);
  assertEquals(empty.description, `Dataset source path: ${join(root, "empty yaml")}`);
  const bom = await read(root, "crlf bom");
  assertEquals([bom.name, bom.keywords, names(bom)], ["bom", ["a"], ["a.txt"]]);
  const emptyDir = await read(root, "empty dir");
  assertEquals([emptyDir.name, emptyDir.files], ["empty", []]);
  const deep = await read(root, "nested/a/b/deep set");
  assertEquals(deep.name, "deep set");
  assertEquals(deep.collected, "2024-07-01T12:01:18.000000+00:00", "earliest time of its own files");
  assertEquals(names(await read(root, "hidden")), ["shown.txt"]);
  const unicode = await read(root, "Ünïcode 数据 µV");
  assertEquals([unicode.name, unicode.keywords], ["Ünïcode 数据 µV", ["µ", "é"]]);
  assertEquals(unicode.attributes, { "Größe": "1 µm" });
  assertEquals(names(await read(root, "outer")), ["o.txt"]);
  assertEquals(names(await read(root, "outer/inner")), ["i.txt"]);
});

Deno.test("symlinks: three files, three skips", async () => {
  await using fixture = await unpackFolderbase();
  const draft = await read(join(fixture.root, "level_any"), "symlinks");
  assertEquals(names(draft), ["link.txt", "real.txt", "sub/in.txt"]);
  assertEquals(draft.skips, [
    { path: "dangling.txt", reason: "symlink_dangling", rule: "D4" },
    { path: "dirlink", reason: "symlink_directory", rule: "D4" },
    { path: "loop", reason: "symlink_directory", rule: "D4" },
  ]);
  assertEquals(draft.problems, []);
});

Deno.test("fixed levels: the info file is optional and inner ones make no datasets", async () => {
  await using fixture = await unpackFolderbase();
  const one = await read(join(fixture.root, "level_1"), "run 1", { config: { level: 1 } });
  assertEquals([one.name, names(one)], ["RUN 1", ["data.csv", "sub/more.txt"]]);
  const two = await read(join(fixture.root, "level_2"), "2024-01-01/a", { config: { level: 2 } });
  assertEquals([two.name, names(two)], ["2024-01-01 a", ["data.txt", "m.nc"]]);
  const bare = await read(join(fixture.root, "level_any"), "outer/inner/..", { config: { level: 1 } });
  assertEquals(names(bare), ["inner/i.txt", "o.txt"]);
  await withDataset(null, ["a.txt"], async (root) => {
    const draft = await read(root, "set", { config: { level: 1 } });
    assertEquals([draft.name, names(draft)], ["set", ["a.txt"]]);
    assertEquals((await failure(root, "set")).code, "info_file_missing");
  });
});

Deno.test("reading changes nothing in the folder", async () => {
  await using fixture = await unpackFolderbase();
  const look = () => {
    const seen: [string, number, number | undefined][] = [];
    const visit = (dir: string) => {
      for (const entry of Deno.readDirSync(dir)) {
        const path = join(dir, entry.name);
        const info = Deno.lstatSync(path);
        seen.push([path, info.size, info.mtime?.getTime()]);
        if (info.isDirectory) visit(path);
      }
    };
    visit(fixture.root);
    return seen.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  };
  const before = look();
  for (const fact of await folderbaseFacts()) {
    if (!fact.error || fact.dataset === "empty yaml") await read(join(fixture.root, fact.root), fact.dataset);
  }
  assertEquals(look(), before);
});

Deno.test("the resolution of converters: id, options, alias, the only one of these types, automatic ones", async () => {
  const info = `
converters:
  a_to_b_converter: csv_to_hdf5
  zarr_to_zip_converter: {converter: zarr_to_zip, options: {level: 3}}
  txt_to_pdf_converter: {module: gone, class: Gone}
`;
  const only = converter("text_printer", "txt", "pdf", "Printer");
  const automatic = { ...converter("aaa", "csv", "json", "A"), auto: true };
  const installed = [...CONVERTERS, only, automatic];
  await withDataset(info, ["x.csv", "b.zarr/0", "n.txt"], async (root) => {
    const draft = await read(root, "set", { converters: installed });
    assertEquals(conversions(draft), [
      ["zarr_to_zip", "b.zarr"],
      ["text_printer", "n.txt"],
      ["aaa", "x.csv"],
      ["csv_to_hdf5", "x.csv"],
    ]);
    assertEquals(draft.conversions![0]!.options, { level: 3 });
    const without = (auto_converters: unknown) =>
      read(root, "set", { converters: installed, config: { auto_converters } });
    for (const auto of [false, ["other"]]) {
      assert(!conversions(await without(auto)).some(([id]) => id === "aaa"), JSON.stringify(auto));
    }
    assert(conversions(await without(["aaa"])).some(([id]) => id === "aaa"));
    const rival = converter("text_printer_2", "txt", "pdf", "Printer2");
    const unsure = await read(root, "set", { converters: [...installed, rival] });
    assertEquals(codes(unsure), ["converter_not_installed"], "two of these types: none is guessed");
  });
});

Deno.test("thumbnails: literal paths and patterns, in order, at most ten", async () => {
  const info = "thumbnails: [b.png, 'plots/*', gone.png, skipped.png, ../out.png]\nskip: skipped.png\n";
  const plots = ["plots/2.png", "plots/1.JPG", "plots/data.csv", "plots/.hidden.png"];
  await withDataset(info, ["b.png", "skipped.png", ...plots], async (root) => {
    const draft = await read(root, "set");
    const path = (name: string) => join(root, "set", name);
    assertEquals(draft.thumbnails, [
      { path: path("b.png"), literal: true },
      { path: path("plots/1.JPG"), literal: false },
      { path: path("plots/2.png"), literal: false },
    ]);
    assertEquals(codes(draft), ["thumbnail_failed", "thumbnail_failed", "thumbnail_failed"]);
    assertEquals(names(draft).length, 4, "an image stays a file of the dataset");
  });
  const many = Array.from({ length: 12 }, (_, i) => `${i}.png`);
  await withDataset("thumbnails: '*.png'", many, async (root) => {
    const draft = await read(root, "set");
    assertEquals(draft.thumbnails?.length, 10);
    assertEquals(codes(draft), ["thumbnails_limited"]);
  });
});

Deno.test("odd values: each is read or left out, with a log", async () => {
  const info = `
version: 7
dataset_name: 007
collected: soon
created: 2024-10-27 02:30:00
atributes: {a: 1}
attributes: {big: 12345678901234567890, point: 1.0, small: 1e-9, list: [1, 2.0], no: no, none: ~, x: .inf}
tags: [1.50, [nested], b, ~]
description: [a]
converters: csv_to_hdf5
`;
  await withDataset(info, ["a.txt"], async (root) => {
    const draft = await read(root, "set");
    assertEquals(draft.name, "007");
    assertEquals(draft.collected, "2024-10-27T00:30:00.000000+00:00");
    assertEquals(draft.keywords, ["1.50", "b"]);
    assertEquals(draft.attributes, {
      big: "12345678901234567890",
      point: "1.0",
      small: 1e-9,
      list: [1, 2],
      no: "no",
      x: "inf",
    });
    assertEquals(codes(draft).sort(), [
      "attribute_empty",
      "converters_not_a_map",
      "list_of_text_expected",
      "text_expected",
      "time_ambiguous",
      "time_unusable",
      "unknown_key",
      "unknown_version",
    ]);
    const unknown = draft.logs!.find((l) => l.code === "unknown_key")!;
    assertStringIncludes(unknown.message, 'did you mean "attributes"?');
    assertEquals(draft, JSON.parse(JSON.stringify(draft)), "a draft crosses process borders as JSON");
  });
});

Deno.test("5,000 files in one folder", async () => {
  const files = Array.from({ length: 5000 }, (_, i) => `f${String(i).padStart(4, "0")}.txt`);
  await withDataset("skip: ['*9.txt', 'g*']", files, async (root) => {
    const draft = await read(root, "set");
    assertEquals([draft.files.length, draft.skips!.length], [4500, 500]);
    assertEquals(draft.files[0]!.name, "f0000.txt");
  });
});

Deno.test("the configuration: what cannot be used is said in one sentence", async () => {
  const root = await Deno.makeTempDir();
  const file = join(root, "file");
  await Deno.writeTextFile(file, "");
  const problems = (config: Record<string, unknown>) =>
    folderbase.validate({ is_server_folder: false, root_directory: root, ...config });
  assertEquals(await problems({}), []);
  assertEquals(await problems({ root_directory: join(root, "x") }), [
    `root_directory: "${join(root, "x")}" does not exist`,
  ]);
  assertEquals(await problems({ root_directory: file }), [`root_directory: "${file}" is not a directory`]);
  for (const level of [0, -2]) assertStringIncludes((await problems({ level }))[0]!, "level:");
  assertEquals(await problems({ level: 3 }), []);
  await Deno.remove(root, { recursive: true });
  assertEquals(folderbase.level({ root_directory: root }), -1);
  assertEquals(folderbase.rootPath({ root_directory: root }), root);
  assertThrows(() => folderbase.rootPath({}));
});
