/** Whether the platform holds a tree of dataset folders exactly once, as it is on the disk now. */
import { join } from "node:path";
import { readManifest } from "../../src/engine/item/local_manifest.ts";
import type { Dataset, FileRecord, PlatformClient } from "../../src/platform/client.ts";
import { md5Of } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";

/** Most datasets that the platform lists at once. */
const PAGE = 1000;
const INFO = "_QH_dataset_info.yaml";

/**
 * Each folder with an info file is one dataset, there are no others, each file's newest version is what lies on the
 * disk, and no version came twice.
 * @param client of the platform that holds nothing but this tree
 */
export async function assertExactlyOnce(client: PlatformClient, root: string): Promise<void> {
  const datasets = await allDatasets(client);
  const folders = datasetFolders(root);
  const uuids = folders.map((folder) => {
    const manifest = readManifest(folder);
    assert(manifest && manifest !== "unreadable", `${folder} has no manifest`);
    return manifest.dataset_uuid;
  });
  assertEquals(datasets.map((d) => d.uuid).sort(), uuids.sort(), "each dataset once, and no others");
  for (const folder of folders) {
    const manifest = readManifest(folder);
    const dataset = datasets.find((d) => manifest !== "unreadable" && d.uuid === manifest?.dataset_uuid);
    assert(dataset);
    await assertFiles(folder, dataset);
    assertVersions(dataset);
  }
}

/** Everything on a platform. */
export async function allDatasets(client: PlatformClient): Promise<Dataset[]> {
  const all: Dataset[] = [];
  let page: Dataset[];
  do {
    page = await client.searchDatasets({}, { offset: all.length, limit: PAGE });
    all.push(...page);
  } while (page.length === PAGE);
  return all;
}

/** Folders of datasets; nested ones are not looked for. */
function datasetFolders(folder: string): string[] {
  const entries = [...Deno.readDirSync(folder)];
  if (entries.some((e) => e.name === INFO)) return [folder];
  return entries.filter((e) => e.isDirectory).flatMap((e) => datasetFolders(join(folder, e.name)));
}

async function assertFiles(folder: string, dataset: Dataset): Promise<void> {
  for (const name of filesBelow(folder)) {
    const newest = versionsOf(dataset, name).at(-1);
    assert(newest, `${folder}/${name} is not on the platform`);
    assertEquals(newest.md5_checksum, await md5Of(join(folder, name)), `${folder}/${name}`);
  }
}

function filesBelow(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(join(folder, prefix))].flatMap((e) => {
    const name = prefix + e.name;
    if (e.isDirectory) return filesBelow(folder, `${name}/`);
    return e.name.startsWith(".") || e.name === INFO ? [] : [name];
  });
}

export function versionsOf(dataset: Dataset, name: string): FileRecord[] {
  return dataset.files.filter((f) => f.name === name).sort((a, b) => a.version_id - b.version_id);
}

/** One file uuid a name, the newest version secured, and no version equal to the one before. */
export function assertVersions(dataset: Dataset): void {
  for (const name of new Set(dataset.files.map((f) => f.name))) {
    const what = `${dataset.name}: ${name}`;
    const versions = versionsOf(dataset, name);
    assertEquals(new Set(versions.map((v) => v.uuid)).size, 1, what);
    assertEquals(versions.at(-1)?.status, "secured", what);
    const secured = versions.filter((v) => v.status === "secured").map((v) => v.md5_checksum);
    const doubled = secured.filter((md5, i) => i > 0 && md5 === secured[i - 1]);
    assertEquals(doubled, [], `${what}: a version came twice`);
  }
}
