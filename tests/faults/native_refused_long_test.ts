/** A native database that the agent's user may read and not write, with a file that it may not read. */
import { z } from "zod";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { changedCells } from "../database_cells.ts";
import { DATASETS, NativeLab } from "../native_lab.ts";
import { treeListing } from "../tree_listing.ts";
import { unprivilegedRunner } from "../unprivileged.ts";

const Report = z.object({
  items: z.array(z.object({ dataIdentifier: z.string(), result: z.string(), reason: z.string().nullable() })),
  files_uploaded: z.number(),
});

Deno.test("native, read-only for the agent: everything that can be read arrives, and each item says what is wrong", async () => {
  await using lab = await NativeLab.make("v0.3-done");
  const [path = ""] = lab.sql((db) =>
    db.prepare("SELECT local_path FROM files WHERE id = 3").all().map((r) => String(r.local_path))
  );
  const place = await Deno.makeTempDir({ prefix: "unprivileged_" });
  try {
    const run = await unprivilegedRunner(place);
    assert(typeof run !== "string", String(run));
    await Deno.chmod(lab.root, 0o755);
    await Deno.chmod(path, 0o000);
    const [cells, tree] = [lab.cells(), treeListing(lab.folder)];
    const { code, stdout, stderr } = await run(
      "once",
      "--backend",
      "native",
      "--set",
      `data_directory=${lab.folder}`,
      "--json",
    );
    assertEquals(code, 3, stderr);
    const report = Report.parse(JSON.parse(stdout));
    assertEquals(report.files_uploaded, 8);
    for (const { dataIdentifier, result, reason } of report.items) {
      assertEquals(result, "failed");
      assertMatch(reason ?? "", /^native_not_writable: /, dataIdentifier);
    }
    assertEquals(report.items.length, Object.keys(DATASETS).length);
    await Deno.chmod(path, 0o000);
    assertEquals(treeListing(lab.folder), tree);
    assertEquals(changedCells(cells, lab.cells()), []);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
});
