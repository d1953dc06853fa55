/** Sources on a file system that nobody can write to, root included: everything is synchronized all the same (B1, R5). */
import { join } from "node:path";
import { Workspace } from "../agent_process.ts";
import { layOutSources, syncAll } from "../all_sources.ts";
import { assertEquals } from "../assert.ts";
import { treeListing } from "../tree_listing.ts";
import { command, whyNoSmallDisk } from "./small_disk.ts";

Deno.test("sources on a read-only mount give the same datasets; that there are no manifests is said once", async () => {
  const reason = await whyNoSmallDisk();
  if (reason) return console.log(`not run: ${reason}`);
  await using w = await Workspace.make();
  await using sources = await layOutSources();
  const mounted = w.path("mounted");
  await Deno.mkdir(mounted);
  await command("mount", "--bind", sources.root, mounted);
  try {
    await command("mount", "-o", "remount,bind,ro", mounted);
    const before = treeListing(sources.root);
    const { stderr } = await syncAll(mounted, (...args) => w.run(...args, "--verbose"));
    assertEquals(treeListing(sources.root), before);
    // One source of them carries manifests.
    assertEquals(stderr.match(/folders are not writable/g)?.length, 1, stderr);
    const again = await w.once();
    assertEquals([again.items.length, again.files_uploaded], [0, 0]);
    await Deno.writeTextFile(
      join(sources.root, "level_any", "simple", "later.txt"),
      "changed behind the mount",
    );
    assertEquals((await w.once()).files_uploaded, 1);
  } finally {
    await command("umount", "-l", mounted);
  }
});
