/** The state folder's disk is full, write-protected or gone, or files run out: said clearly, and nothing is lost. */
import { join } from "node:path";
import { folderSource, Workspace, writeDataset, writeQuiet } from "../agent_process.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { treeListing } from "../tree_listing.ts";
import { assertExactlyOnce } from "./exactly_once.ts";
import { SmallDisk, whyNoSmallDisk } from "./small_disk.ts";

const DATASETS = 8;
const DISK = 24 * 1024 * 1024;

interface FullDisk {
  w: Workspace;
  disk: SmallDisk;
  data: string;
}

/** A state folder on a small disk, and datasets of a megabyte with a conversion each. */
async function onSmallDisk(work: (full: FullDisk) => Promise<void>): Promise<void> {
  const reason = await whyNoSmallDisk();
  if (reason) return console.log(`not run: ${reason}`);
  await using w = await Workspace.make();
  await Deno.mkdir(w.home);
  await using disk = await SmallDisk.mount(w.home, DISK);
  const data = w.path("data");
  for (let n = 1; n <= DATASETS; n++) await measure(data, n);
  const before = userFiles(data);
  await work({ w, disk, data });
  await w.onPlatform((client) => assertExactlyOnce(client, data));
  assertEquals(await w.verified(), DATASETS * 4);
  assertEquals([...Deno.readDirSync(join(w.home, "staging"))], []);
  assertEquals(userFiles(data), before, "the user's files are as they were");
}

async function measure(data: string, n: number): Promise<void> {
  const folder = join(data, `run ${n}`);
  await writeDataset(folder, { "note.txt": `run ${n}`, "table.csv": `x,y\n1,${n}\n` });
  await writeQuiet(join(folder, "raw.bin"), new Uint8Array(1_000_000).fill(n), 1_700_000_000);
  await Deno.writeTextFile(
    join(folder, "_QH_dataset_info.yaml"),
    "converters: {csv_to_hdf5_converter: csv_to_hdf5}\n",
  );
}

/** Without the times of folders, which the manifests change. */
function userFiles(data: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(treeListing(data, { withoutManifests: true })).filter(([, line]) =>
      !line.endsWith("folder")
    ),
  );
}

Deno.test("`once` on a disk that is full at one moment after the other says so, and goes on where there is room", () =>
  onSmallDisk(async ({ w, disk, data }) => {
    const codes: string[] = [];
    // From the catalog's first page over copies of files to the platform's objects.
    for (const free of [0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.1, 1.6, 2.3, 3.2, 4.2].map((mib) => mib * 2 ** 20)) {
      await disk.fill(free);
      const { code, stdout, stderr } = await w.run("once", ...folderSource(data), "--json");
      await disk.release();
      const document = JSON.parse(stdout);
      if (code === 0) continue;
      assertEquals(code, 1, `${free} bytes free: ${stdout}\n${stderr}`);
      assertMatch(
        document.error,
        /^(disk_full|platform_disk_full|catalog_unusable|hub_unreadable)$/,
      );
      assertMatch(document.hint, /disk/, document.hint);
      codes.push(document.error);
    }
    console.log(`ended with ${codes.join(", ")}`);
    assert(codes.includes("disk_full"), "no run met the full disk in the middle of its work");
    await w.once();
    const items = Object.values(await w.items());
    const bad = items.filter((i) => i.state !== "done" || i.attempts > 0);
    assertEquals(bad.map((i) => [i.state, i.attempts, i.reason]), [], "all is done and nothing was counted");
  }));

Deno.test("`once` with a write-protected state folder says so", () =>
  onSmallDisk(async ({ w, disk, data }) => {
    await w.once(...folderSource(data));
    await disk.writable(false);
    const { error, hint } = await w.failure(1, "once");
    assertMatch(error, /^(catalog_unusable|state_folder_unusable)$/);
    assertMatch(hint, /writable|disk/);
    await disk.writable(true);
    await w.once();
  }));
