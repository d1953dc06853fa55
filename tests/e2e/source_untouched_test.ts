/** The first goal: whatever is done, the user's folders and databases are as they were (B1, R5). */
import { join } from "node:path";
import { Workspace } from "../agent_process.ts";
import { layOutSources, syncAll } from "../all_sources.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { treeListing } from "../tree_listing.ts";
import { unprivilegedRunner } from "../unprivileged.ts";

const names = (root: string): string[] => Object.keys(treeListing(root));

Deno.test("bytes, names, times and permissions stay; only .QH_manifest.yaml is added, in dataset folders", async () => {
  await using w = await Workspace.make();
  await using sources = await layOutSources();
  const { root } = sources;
  const [before, namesBefore] = [treeListing(root, { withoutManifests: true }), names(root)];
  await syncAll(root, (...args) => w.run(...args));
  const [after, namesAfter] = [treeListing(root, { withoutManifests: true }), names(root)];
  // The folders that got a manifest have a new time, and nothing else about them is new.
  for (const [path, line] of Object.entries(before)) {
    const added = namesAfter.includes(path === "." ? ".QH_manifest.yaml" : `${path}/.QH_manifest.yaml`);
    assertEquals(after[path], added ? line.replace(/ mtime \d+/, "") : line, path);
  }
  const added = namesAfter.filter((n) => !namesBefore.includes(n));
  assert(added.length > 15);
  for (const path of added) assertMatch(path, /^level_any\/.*\/\.QH_manifest\.yaml$/);
  assertEquals(namesBefore.filter((n) => !namesAfter.includes(n)), []);

  const all = treeListing(root);
  const again = await w.once();
  assertEquals([again.files_uploaded, again.items.length], [0, 0]);
  assertEquals(treeListing(root), all, "a second run touches nothing at all, its manifests included");
});

Deno.test("write_manifest=false: nothing is written, and nothing is sent twice all the same", async () => {
  await using w = await Workspace.make();
  await using sources = await layOutSources();
  const before = treeListing(sources.root);
  await syncAll(sources.root, (...args) => w.run(...args), ["--set", "write_manifest=false"]);
  assertEquals(treeListing(sources.root), before);
  const again = await w.once();
  assertEquals([again.files_uploaded, again.items.length], [0, 0]);
});

Deno.test("a user who may only read the sources gets the same datasets, and is told once about the manifests", async () => {
  const dir = await Deno.makeTempDir();
  const sources = await layOutSources();
  const { root } = sources;
  await Deno.chmod(root, 0o755);
  try {
    const run = await unprivilegedRunner(dir);
    if (typeof run === "string") return console.log(`not run: ${run}`);
    await new Deno.Command("chmod", { args: ["-R", "a-w,a+rX", root] }).output();
    const before = treeListing(root);
    const { stderr } = await syncAll(root, (...args) => run(...args, "--verbose"));
    assertEquals(treeListing(root), before);
    assertEquals(stderr.match(/folders are not writable/g)?.length, 1, stderr);
    const again = await run("once", "--json");
    assertEquals([again.code, JSON.parse(again.stdout).files_uploaded], [0, 0], again.stderr);
  } finally {
    await new Deno.Command("chmod", { args: ["-R", "u+w", root] }).output();
    await sources[Symbol.asyncDispose]();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "a folder that the user may not list is refused as a source, for every backend that scans folders",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      const run = await unprivilegedRunner(dir);
      if (typeof run === "string") return console.log(`not run: ${run}`);
      const locked = join(dir, "locked");
      await Deno.mkdir(locked, { mode: 0o000 });
      for (
        const [backend, key] of [["folderbase", "root_directory"], ["quantify", "quantify_directory"], [
          "labber",
          "labber_directory",
        ]]
      ) {
        const settings = ["--set", `${key}=${locked}`, "--set", "is_server_folder=false"];
        if (backend !== "folderbase") settings.push("--set", "set_up=s");
        const { code, stdout } = await run(
          "source",
          "add",
          "s",
          "--backend",
          `${backend}`,
          "--scope",
          "default",
          ...settings,
          "--json",
        );
        assertEquals([code, /not readable/.test(stdout)], [2, true], stdout);
      }
    } finally {
      await Deno.chmod(join(dir, "locked"), 0o700).catch(() => {});
      await Deno.remove(dir, { recursive: true });
    }
  },
});
