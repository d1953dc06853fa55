/** How runs end: exit codes, their error documents, dry runs, and what `verify` finds. */
import { join } from "node:path";
import { folderSource, only, qcodesSource, Workspace, writeDataset, writeQuiet } from "../agent_process.ts";
import { layOutSources } from "../all_sources.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { treeListing } from "../tree_listing.ts";

const HDF5 = new URL("../fixtures/hdf5/", import.meta.url).pathname;

Deno.test("a dry run says what would be done, and writes nothing: no dataset, no item, no file", async () => {
  await using w = await Workspace.make();
  await using sources = await layOutSources();
  const { root } = sources;
  const source = folderSource(join(root, "level_any"));
  const before = treeListing(root);

  const first = await w.once(3, ...source, "--dry-run");
  assertEquals(treeListing(root), before);
  assertEquals([await w.items(), await w.datasets()], [{}, []]);
  const planOf = (report: typeof first, name: string) =>
    only(report.items.filter((i) => i.dataIdentifier === name)).plan;
  assertEquals(planOf(first, "simple")?.dataset, "create");
  assertEquals(planOf(first, "simple")?.files.map((f) => `${f.name} ${f.action}`).sort(), [
    "data.json uploaded",
    "dir1/file.hdf5 uploaded",
    "dir1/plain.h5 uploaded",
    "file1.txt uploaded",
  ]);
  assertEquals(planOf(first, "symlinks")?.skips.map((s) => `${s.path} ${s.reason}`).sort(), [
    "dangling.txt symlink_dangling",
    "dirlink symlink_directory",
    "loop symlink_directory",
  ]);
  assert(first.items.some((i) => i.result === "failed" && /^info_file_invalid/.test(i.reason ?? "")));

  await w.once(3, ...source);
  const [items, datasets, tree] = [await w.items(), await w.datasets(), treeListing(root)];
  await writeQuiet(join(root, "level_any", "simple", "file1.txt"), "changed", 1_719_900_000);
  const changed = treeListing(root);
  const second = await w.once(...source, "--dry-run");
  assertEquals(second.items.map((i) => i.dataIdentifier), ["simple"]);
  assertEquals(planOf(second, "simple")?.dataset, "unchanged");
  assertEquals(planOf(second, "simple")?.files.map((f) => `${f.name} ${f.action}`).sort(), [
    "data.json unchanged",
    "dir1/file.hdf5 unchanged",
    "dir1/plain.h5 unchanged",
    "file1.txt uploaded",
  ]);
  assertEquals([treeListing(root), await w.datasets()], [changed, datasets]);
  assertEquals(await w.items(), items);
  assert(tree["level_any/simple/.QH_manifest.yaml"] === changed["level_any/simple/.QH_manifest.yaml"]);
  const real = await w.once(...source);
  assertEquals(real.files_uploaded, 1, "what the dry run promised");
});

Deno.test("2: what is asked for wrongly is refused with a hint and leaves nothing behind", async () => {
  await using w = await Workspace.make();
  await Deno.mkdir(w.path("data"));
  const source = folderSource(w.path("data"));
  const cases: [string[], RegExp][] = [
    [["once", "--backend", "folderbas", ...source.slice(2)], /backend_not_found|unknown_backend/],
    [["once", ...folderSource(w.path("nowhere"))], /sync_source_config_error/],
    [["once", ...qcodesSource(w.path("nowhere.db"))], /sync_source_config_error/],
    [["once", ...source, "--set", "levle=1"], /sync_source_config_error/],
    [["once", ...source.slice(0, -1), "no such scope"], /sync_source_scope_not_found/],
    [["once", "--source", "nobody"], /sync_source_not_found/],
    [["once", "--dry-rnu"], /unknown_option/],
    [["ones"], /unknown_command/],
    [["once", "--config", w.path("nowhere.toml")], /config/],
  ];
  for (const [args, code] of cases) {
    const { error, hint } = await w.failure(2, ...args);
    assertMatch(error, code, args.join(" "));
    assert(hint !== "", args.join(" "));
  }
  assertEquals(await w.json("source", "list"), []);
});

Deno.test("3: a source that is gone ends the run with 3, keeps its items, and heals by itself", async () => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "one"), { "a.txt": "1" });
  await writeDataset(w.path("other", "two"), { "b.txt": "2" });
  await w.once(...folderSource(w.path("data")));
  await Deno.rename(w.path("data"), w.path("unplugged"));
  await w.once(...folderSource(w.path("other")));
  await writeQuiet(w.path("other", "two", "b.txt"), "new", 1_700_000_100);
  const gone = await w.once(3);
  assertEquals(gone.sources.map((s) => s.status), ["error", "scanning"]);
  assertEquals(gone.items.map((i) => [i.dataIdentifier, i.result]), [["two", "synchronized"]]);
  assertEquals((await w.items()).one?.status, "synchronized");
  await Deno.rename(w.path("unplugged"), w.path("data"));
  const back = await w.once();
  assertEquals([back.sources.map((s) => s.status), back.items], [["scanning", "scanning"], []]);
});

Deno.test("5: without a connection to the platform nothing is counted as failed, and the next run goes on", async () => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "one"), { "a.txt": "1" });
  await w.once(...folderSource(w.path("data")));
  await writeDataset(w.path("data", "two"), { "b.txt": "2" });
  const config = w.path("offline.toml");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert(listener.addr.transport === "tcp");
  await Deno.writeTextFile(config, `[platform]\nurl = "http://127.0.0.1:${listener.addr.port}"\n`);
  listener.close();
  const { error, hint } = await w.failure(5, "once", "--config", config);
  assert(error !== "" && hint !== "");
  const { two } = await w.items();
  assertEquals([two?.status, two?.attempts], ["pending", 0]);
});

Deno.test("6: of two runs at once the second ends at once, names the first, and harms nothing", async () => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "one"), { "a.txt": "1" });
  // A file that is written all the time has to settle first: the run lasts.
  const write = () => Deno.writeTextFileSync(w.path("data", "one", "new.txt"), "2");
  write();
  const writing = setInterval(write, 50);
  const first = w.once(...folderSource(w.path("data")));
  const lock = join(w.home, "agent.lock");
  let holder = "";
  while (!holder.startsWith("pid")) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    holder = await Deno.readTextFile(lock).catch(() => "");
  }
  const { error, detail } = await w.failure(6, "once").finally(() => clearInterval(writing));
  assertEquals(error, "agent_running");
  assertStringIncludes(detail, holder.trim());
  assertEquals((await first).items.map((i) => i.result), ["synchronized"]);
  assertEquals(only(await w.datasets()).files.length, 2);
});

Deno.test("1: a damaged catalog says so and how to go on; moved away, everything is found again", async () => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "one"), { "a.txt": "1" });
  const source = folderSource(w.path("data"));
  await w.once(...source);
  const before = await w.datasets();
  const catalog = join(w.home, "catalog.db");
  const bytes = await Deno.readFile(catalog);
  const damages: [string, (b: Uint8Array) => Uint8Array][] = [
    ["other bytes", () => new TextEncoder().encode("this is no database at all")],
    ["cut off", (b) => b.subarray(0, 5000)],
    ["overwritten inside", (b) => b.fill(0xa5, 4096)],
    ["of a newer program", (b) => (b.set([0, 0, 0, 99], 60), b)],
  ];
  for (const [what, damage] of damages) {
    await Deno.writeFile(catalog, damage(bytes.slice()));
    const { error, hint } = await w.failure(1, "once");
    assertMatch(error, /^catalog_(unusable|newer)$/, what);
    assert(hint !== "", what);
  }
  await Deno.rename(catalog, `${catalog}.damaged`);
  const again = await w.once(...source);
  assertEquals([again.files_uploaded, again.files_unchanged], [0, 1]);
  assertEquals(await w.datasets(), before);
});

Deno.test("verify finds a flipped byte, a cut and a missing object", async () => {
  await using w = await Workspace.make();
  // So large that the embedded platform has a file for each.
  const large = "12345".repeat(20_000);
  await writeDataset(w.path("data", "one"), {
    "flip.txt": large,
    "cut.txt": large,
    "gone.txt": large,
    "fine.txt": "1",
  });
  await w.once(...folderSource(w.path("data")));
  assertEquals(await w.verified(), 4);
  for (const file of only(await w.datasets()).files) {
    if (file.name === "fine.txt") continue;
    const stored = join(w.home, "hub", "objects", file.uuid, String(file.version_id));
    await Deno.chmod(stored, 0o600);
    if (file.name === "flip.txt") await Deno.writeTextFile(stored, large.replace("3", "8"));
    if (file.name === "cut.txt") await Deno.truncate(stored, 3);
    if (file.name === "gone.txt") await Deno.remove(stored);
  }
  assertEquals((await w.verifyFailure()).map((d) => `${d.name} ${d.problem}`).sort(), [
    "cut.txt bytes_missing",
    "flip.txt sha256_differs",
    "gone.txt bytes_missing",
  ]);
});

Deno.test("an HDF5 file on which the library loops for ever costs its own inspection and nothing else", async () => {
  await using w = await Workspace.make();
  const loop = await Deno.readFile(`${HDF5}scales.h5`);
  // An address in it is made that of the root group; h5py hangs on this file too.
  new DataView(loop.buffer).setBigUint64(6512, 96n, true);
  await writeDataset(w.path("data", "bad"), { "note.txt": "1" });
  await writeQuiet(w.path("data", "bad", "loop.h5"), loop, 1_700_000_000);
  for (const name of ["a", "b", "c"]) {
    await writeDataset(w.path("data", name), { "note.txt": name });
    await writeQuiet(
      w.path("data", name, "x.nc"),
      await Deno.readFile(`${HDF5}xarray_netcdf4.nc`),
      1_700_000_000,
    );
  }
  const once = await w.once(...folderSource(w.path("data")));
  assertEquals(once.items.map((i) => i.result), Array(4).fill("synchronized"));
  const { bad, a } = await w.items();
  assert(bad && a);
  const files = Object.fromEntries((await w.dataset(bad.datasetUUID)).files.map((f) => [f.name, f.type]));
  assertEquals(files, { "note.txt": "TEXT", "loop.h5": "HDF5" });
  const { logs } = await w.record(bad);
  assert(
    logs.some(([code, text]) => code === "inspection_failed" && text.includes("reader_hang")),
    `${logs}`,
  );
  assertEquals((await w.dataset(a.datasetUUID)).files.find((f) => f.name === "x.nc")?.type, "HDF5_NETCDF");
});
