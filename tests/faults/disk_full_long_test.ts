/** The state folder's disk is full, write-protected or gone, or files run out: said clearly, and nothing is lost. */
import { join } from "node:path";
import { folderSource, Workspace, writeDataset, writeQuiet } from "../agent_process.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { treeListing } from "../tree_listing.ts";
import { type SourceSettings, sourcesToml } from "./every_source.ts";
import { assertExactlyOnce } from "./exactly_once.ts";
import { assertNothingCounted, ServingAgent } from "./serving_agent.ts";
import { SmallDisk, whyNoSmallDisk } from "./small_disk.ts";

const DATASETS = 8;
const MIB = 1024 * 1024;
const DISK = 40 * MIB;

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
  assertEquals(await w.verified(), [...Deno.readDirSync(data)].length * 4);
  assertEquals([...Deno.readDirSync(join(w.home, "staging"))], []);
  const after = userFiles(data);
  assertEquals(Object.fromEntries(Object.keys(before).map((path) => [path, after[path] ?? "gone"])), before);
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

function dataSource(root_directory: string): Pick<SourceSettings, "name" | "backend" | "config"> {
  return { name: "data", backend: "folderbase", config: { root_directory, is_server_folder: false } };
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
    for (const free of [0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.1, 1.6, 2.3, 3.2, 4.2].map((m) => m * MIB)) {
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

Deno.test("`serve` stays up on a full disk, says so, and goes on by itself when there is space", () =>
  onSmallDisk(async ({ w, disk, data }) => {
    await Deno.writeTextFile(join(w.home, "config.toml"), sourcesToml([dataSource(data)]));
    await using agent = ServingAgent.start(w.home);
    await agent.untilItemsAre(DATASETS, "done");
    let count = DATASETS;
    // Nothing can be written; copies of files; objects of the platform.
    for (const free of [0, 0.6 * MIB, 1.5 * MIB]) {
      await disk.fill(free);
      for (let n = 0; n < 3; n++) await measure(data, ++count);
      const { reason } = await agent.untilState("error");
      assertEquals(reason?.class, "local", JSON.stringify(reason));
      assertMatch(reason?.hint ?? "", /disk/);
      const released = Date.now();
      await disk.release();
      await agent.untilState("running");
      console.log(`${free} bytes free: ${reason?.code}; running again after ${Date.now() - released} ms`);
      await agent.untilItemsAre(count, "done");
      assertNothingCounted(w.home);
    }
    assertEquals(await agent.stop(), 0);
  }));

Deno.test("`serve` refuses a write-protected state folder, and starts when it is writable again", () =>
  onSmallDisk(async ({ w, disk, data }) => {
    await Deno.writeTextFile(join(w.home, "config.toml"), sourcesToml([dataSource(data)]));
    // Linux protects no disk on which a file is open for writing: it can only happen before the start.
    await w.once();
    await disk.writable(false);
    await using refused = ServingAgent.start(w.home);
    assertEquals((await refused.ended).code, 1);
    assertMatch(refused.stderr, /writable|read-only|readonly/i);
    await disk.writable(true);
    await using agent = ServingAgent.start(w.home);
    await agent.untilState("running");
    await agent.untilItemsAre(DATASETS, "done");
    assertEquals(await agent.stop(), 0);
  }));
