/** Measurement folders from the command line: every dataset of the fixture with exactly the files it must have. */
import { createHash } from "node:crypto";
import { z } from "zod";
import {
  type DatasetDocument,
  folderSource,
  md5Of,
  only,
  Workspace,
  writeDataset,
} from "../agent_process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { folderbaseFacts, pseudoRandomBytes, unpackFolderbase } from "../folderbase_fixture.ts";
import { netcdfDifferences } from "../netcdf_equal.ts";

const EXPECTED = new URL("../fixtures/folderbase/expected/", import.meta.url).pathname;
const Source = z.object({
  unmatched: z.object({
    count: z.number(),
    paths: z.array(z.object({ path: z.string(), reason: z.string() })),
  }),
});

/** What comes out of each dataset folder besides the files that facts.json expects. */
const TYPES: Record<string, string> = {
  "data.json": "JSON",
  "dir1/file.hdf5": "HDF5_NETCDF",
  "dir1/plain.h5": "HDF5",
  "files/data.hdf5": "HDF5_NETCDF",
  "b.hdf5": "HDF5_NETCDF",
  "UPPER.hdf5": "HDF5_NETCDF",
};
const typeOf = (name: string) => TYPES[name] ?? (name.endsWith(".txt") ? "TEXT" : "UNKNOWN");

/** `[dataset, converted file, truth]` */
const CONVERTED: [string, string, string][] = [
  ["csv conv", "files/data.hdf5", "csv_conv.data.nc"],
  ["zarr v2", "files/data.hdf5", "zarr v2.data.nc"],
  ["zarr v3", "files/data.hdf5", "zarr v3.data.nc"],
  ["zarr blosc v2", "b.hdf5", "zarr blosc v2.b.nc"],
];

Deno.test("folderbase: all datasets of level_any", async (t) => {
  await using w = await Workspace.make();
  await using fixture = await unpackFolderbase();
  const root = `${fixture.root}/level_any`;
  const once = await w.once(3, ...folderSource(root, "--set", "time_zone=Europe/Amsterdam"));
  const [items, datasets] = [await w.items(), await w.datasets()];
  const of = (name: string): DatasetDocument =>
    only(datasets.filter((d) => d.uuid === items[name]?.datasetUUID));
  const recordOf = async (name: string) => {
    const item = items[name];
    assert(item, name);
    return await w.record(item);
  };
  const facts = (await folderbaseFacts()).filter((f) => f.root === "level_any");

  await t.step("what is broken is held back, nothing else", () => {
    assertEquals(Object.keys(items).sort(), facts.map((f) => f.dataset).sort());
    const states = Object.fromEntries(Object.values(items).map((i) => [i.dataIdentifier, i.state]));
    const quarantined = ["broken yaml", "csv conv", "yaml is a list"];
    for (const [name, state] of Object.entries(states)) {
      assertEquals(state, quarantined.includes(name) ? "quarantined" : "done", name);
    }
    const source = only(once.sources);
    assertEquals([source.items_total, source.items_synchronized, source.items_failed], [21, 18, 3]);
    assertEquals(datasets.length, 19, "no dataset of the two unreadable info files");
  });

  for (const fact of facts.filter((f) => f.expect !== undefined)) {
    await t.step(`${fact.dataset}: exactly its files, byte for byte`, async () => {
      const dataset = of(fact.dataset);
      const more = fact.dataset === "csv conv" ? ["UPPER.hdf5"] : [];
      const names = [...fact.expect ?? [], ...fact.converted ?? [], ...more].sort();
      assertEquals(dataset.files.map((f) => f.name).sort(), names);
      const paths = await w.download(dataset.uuid);
      for (const file of dataset.files) {
        assertEquals([file.status, file.type], ["secured", typeOf(file.name)], file.name);
        const onDisk = fact.files_on_disk.find((f) => f.path === file.name);
        if (!onDisk) continue;
        const expected = file.name === "five_mb.bin"
          ? createHash("md5").update(pseudoRandomBytes(5_000_000)).digest("hex")
          : onDisk.md5;
        assertEquals(await md5Of(paths[file.name] ?? ""), expected, file.name);
        assertEquals([file.size, file.version_id], [onDisk.size, Math.floor(onDisk.mtime * 1000)], file.name);
      }
    });
  }

  await t.step("conversions equal their truth", async () => {
    for (const [dataset, name, truth] of CONVERTED) {
      const path = (await w.download(of(dataset).uuid))[name] ?? "";
      assertEquals(await netcdfDifferences(path, EXPECTED + truth), [], `${dataset}: ${name}`);
    }
  });

  await t.step(
    "simple: metadata as the info file says, a log for the text that calls itself HDF5",
    async () => {
      const { collected, attributes, keywords, description } = of("simple");
      assertEquals(Date.parse(collected), Date.parse("2024-03-05T14:07:09+01:00"));
      assertEquals(attributes, { sample: "SQ1", T: "0.02", n: "3" });
      assertEquals([...keywords].sort(), ["t1", "t2"]);
      assertEquals(description, `two files\n\nDataset source path: ${root}/simple`);
      assert(
        (await recordOf("simple")).logs.some(([code, text]) =>
          code === "suffix_content_mismatch" && text.includes("dir1/plain.h5")
        ),
      );
    },
  );

  await t.step("skip: everything that is left out is named with its rule", async () => {
    const { logs } = await recordOf("skip");
    const skipped = logs.filter(([code]) => code === "skip_skip_pattern").map(([, text]) => text).join("\n");
    for (const path of ["dir0/file2.text", "dir1", "dir2/cache", "file1.text", "junk"]) {
      assertMatch(skipped, new RegExp(`^${path} \\(rule: skip: `, "m"));
    }
  });

  await t.step("legacy keys; names and times that the info file does not give", () => {
    const legacy = of("legacy");
    assertEquals(Date.parse(legacy.collected), Date.parse("2020-01-02T03:04:05+01:00"));
    assertEquals([...legacy.keywords].sort(), ["keys", "old"]);
    const deep = of("nested/a/b/deep set");
    assertEquals(deep.name, "deep set");
    assertEquals(deep.description, `deep\n\nDataset source path: ${root}/nested/a/b/deep set`);
    const fact = facts.find((f) => f.dataset === "nested/a/b/deep set");
    const times = fact?.files_on_disk.filter((f) => !f.path.startsWith("_QH")).map((f) => f.mtime) ?? [];
    assertEquals(Date.parse(deep.collected), Math.min(...times) * 1000);
    assertEquals([of("crlf bom").name, of("crlf bom").keywords], ["bom", ["a"]]);
    assertEquals(of("Ünïcode 数据 µV").attributes, { "Größe": "1 µm" });
    assertEquals([of("outer").name, of("outer/inner").name], ["outer", "inner"]);
    assertEquals(of("outer").files.map((f) => f.name), ["o.txt"]);
    assertEquals(of("outer/inner").files.map((f) => f.name), ["i.txt"]);
    assertEquals(of("empty yaml").files.map((f) => f.name), ["a.txt"]);
  });

  await t.step("bad values are read with a log", async () => {
    const { name, collected, keywords, attributes, files } = of("bad values");
    assertEquals([name, keywords, attributes], ["12", ["one"], { a: '{"b":1}', d: "True" }]);
    assertMatch(collected, /^2024-05-06T0[57]:08:09/);
    assertEquals(files.map((f) => f.name), ["b.csv"]);
    assert((await recordOf("bad values")).logs.some(([code]) => code === "attribute_empty"));
  });

  await t.step("symlinks: read through or skipped with the reason", async () => {
    assertEquals(of("symlinks").files.map((f) => f.name).sort(), ["link.txt", "real.txt", "sub/in.txt"]);
    const { logs } = await recordOf("symlinks");
    assertEquals(
      logs.filter(([code]) => code.startsWith("skip_")).map(([c, text]) => `${c} ${text}`).sort(),
      [
        "skip_symlink_dangling dangling.txt (rule: D4)",
        "skip_symlink_directory dirlink (rule: D4)",
        "skip_symlink_directory loop (rule: D4)",
      ],
    );
  });

  await t.step("converters that are not there are logged, and the store is skipped visibly", async () => {
    const codes = (await recordOf("no converter")).logs.map(([code]) => code);
    for (
      const code of [
        "skip_zarr_without_converter",
        "converter_not_installed",
        "converter_key_invalid",
        "converter_declaration_invalid",
      ]
    ) assert(codes.includes(code), `${code} in ${codes}`);
  });

  await t.step(
    "csv conv: the file that cannot be converted is uploaded, the item says why it is held back",
    async () => {
      const reason = items["csv conv"]?.reason;
      assertEquals([reason?.code, reason?.class], ["converter_failed", "converter"]);
      assertStringIncludes(reason?.message ?? "", "bad.csv");
      assert((reason?.hint ?? "") !== "");
      const { files } = await recordOf("csv conv");
      assertEquals(files["bad.csv"]?.at(-1)?.status, "OK");
      assertEquals(files["bad.hdf5"]?.at(-1)?.status, "ERROR");
    },
  );

  await t.step("info files that cannot be read: line, column and a hint", () => {
    for (const name of ["broken yaml", "yaml is a list"]) {
      const reason = items[name]?.reason;
      assertEquals(reason?.code, "info_file_invalid");
      assertMatch(reason?.message ?? "", /_QH_dataset_info\.yaml: line \d+, column \d+: ./);
      assert((reason?.hint ?? "") !== "");
    }
  });

  await t.step("hidden: the manifest of another scope is replaced by a record of our own", async () => {
    const manifest = await Deno.readTextFile(`${root}/hidden/.QH_manifest.yaml`);
    assertStringIncludes(manifest, `dataset_uuid: ${of("hidden").uuid}`);
    assertStringIncludes(manifest, `scope_uuid: ${of("hidden").scope.uid}`);
    assertStringIncludes(manifest, `${root}/hidden`);
    assertEquals(of("hidden").files.map((f) => f.name), ["shown.txt"]);
  });

  await t.step("what belongs to no dataset is listed", async () => {
    const { unmatched } = Source.parse(await w.json("source", "show", only(once.sources).name));
    assertEquals(unmatched, {
      count: 2,
      paths: [
        { path: "loose.txt", reason: "no_info_file" },
        { path: "no info/a.txt", reason: "no_info_file" },
      ],
    });
  });

  await t.step(
    "mended info files are synchronized, the converter's quarantine ends with the bad file",
    async () => {
      await Deno.writeTextFile(`${root}/broken yaml/_QH_dataset_info.yaml`, "dataset_name: mended\n");
      await Deno.remove(`${root}/csv conv/bad.csv`);
      const again = await w.once();
      assertEquals(
        again.items.map((i) => [i.dataIdentifier, i.result]).sort(),
        [["broken yaml", "synchronized"], ["csv conv", "synchronized"]],
      );
      assertEquals(again.files_uploaded, 1);
      assert(await w.verified() > 35);
    },
  );
});

Deno.test("folderbase: levels 1 and 2, one dataset for every folder at that depth", async () => {
  await using w = await Workspace.make();
  await using fixture = await unpackFolderbase();
  for (const level of [1, 2]) {
    const root = `${fixture.root}/level_${level}`;
    const once = await w.once(...folderSource(root, "--set", `level=${level}`));
    const facts = (await folderbaseFacts()).filter((f) => f.root === `level_${level}`);
    const [items, datasets] = [await w.items("--source", only(once.sources).name), await w.datasets()];
    assertEquals(Object.keys(items).sort(), facts.map((f) => f.dataset).sort());
    for (const { dataset, files_on_disk } of facts) {
      const { files } = only(datasets.filter((d) => d.uuid === items[dataset]?.datasetUUID));
      const paths = await w.download(items[dataset]?.datasetUUID ?? "");
      const expected = files_on_disk.filter((f) => !f.path.startsWith("_QH"));
      assertEquals(files.map((f) => f.name).sort(), expected.map((f) => f.path).sort());
      for (const f of expected) assertEquals(await md5Of(paths[f.path] ?? ""), f.md5, f.path);
    }
    const { unmatched } = Source.parse(await w.json("source", "show", only(once.sources).name));
    assertEquals(
      unmatched.paths.map((u) => `${u.path}: ${u.reason}`),
      level === 1
        ? [".hidden dir: hidden", "file at root.txt: too_shallow"]
        : ["2024-01-01/stray.txt: too_shallow"],
    );
    assertEquals([...Deno.readDirSync(root)].filter((e) => e.name === ".QH_manifest.yaml"), []);
  }
});

Deno.test("folderbase: without a default scope, items go to the scopes that bear their first folder's name", async () => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "alice", "run 1"), { "a.txt": "1" });
  await writeDataset(w.path("data", "Robert"), { "b.txt": "2" });
  await writeDataset(w.path("data", "carol", "x", "y"), { "c.txt": "3" });
  await w.json("scope", "create", "alice");
  await w.json("scope", "create", "robert");
  const source = folderSource(w.path("data"), "--autoassign");
  const once = await w.once(...source);
  assertEquals(
    once.items.map((i) => [i.dataIdentifier, i.result]).sort(),
    [["Robert", "synchronized"], ["alice/run 1", "synchronized"], ["carol/x/y", "unmapped"]],
  );
  assertEquals([only(once.sources).items_unmapped, (await w.items())["carol/x/y"]?.status], [
    1,
    "no_mapping",
  ]);
  const scopes = async () =>
    Object.fromEntries((await w.datasets()).map((d) => [d.files[0]?.name ?? "", d.scope.name]));
  assertEquals(await scopes(), { "a.txt": "alice", "b.txt": "robert" });
  await w.json("scope", "create", "carol");
  assertEquals((await w.once()).items.map((i) => [i.dataIdentifier, i.result]), [[
    "carol/x/y",
    "synchronized",
  ]]);
  assertEquals(await scopes(), { "a.txt": "alice", "b.txt": "robert", "c.txt": "carol" });
});
