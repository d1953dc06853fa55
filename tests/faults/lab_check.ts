/** What must be true of a lab after its agent was killed again and again (L22, L23). */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { md5Of, type Workspace } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import type { ChangingLab } from "./changing_lab.ts";
import { allDatasets, assertVersions, versionsOf } from "./exactly_once.ts";
import { processesOf } from "./processes.ts";

/** The platform has everything of the lab once, as it is now, and nothing is left over anywhere. */
export async function assertLabOnce(w: Workspace, lab: ChangingLab): Promise<void> {
  const again = await w.once();
  assertEquals([again.items, again.files_uploaded], [[], 0], "the last run left nothing to do");

  const items = Object.values(await w.items());
  assertEquals(
    items.filter((i) => i.state !== "done").map((i) => [i.dataIdentifier, i.state, i.attempts]),
    [["29", "not_started", 0]],
  );
  assertEquals(items.filter((i) => i.attempts !== 0), [], "a kill is no failed attempt");
  const datasets = await w.onPlatform(allDatasets);
  const done = items.filter((i) => i.state === "done");
  assertEquals(
    datasets.map((d) => d.uuid).sort(),
    done.map((i) => i.datasetUUID).sort(),
    "each dataset once",
  );
  const altUids = datasets.flatMap((d) => d.alt_uid ?? []);
  assertEquals([altUids.length, new Set(altUids).size], [28, 28]);
  assertEquals(new Set(datasets.map((d) => d.description)).size, datasets.length);

  for (const dataset of datasets) assertVersions(dataset);
  for (const [folder, files] of lab.history) {
    const dataset = datasets.find((d) =>
      d.uuid === items.find((i) => i.dataIdentifier === folder)?.datasetUUID
    );
    assert(dataset, folder);
    const names = new Set(dataset.files.map((f) => f.name));
    assertEquals([...names].sort(), ["raw.bin", "sub/table.csv", "sub/table.hdf5"], folder);
    const downloaded = await w.download(dataset.uuid);
    for (const [name, contents] of files) {
      const onDisk = await md5Of(join(lab.tree, folder, name));
      assertEquals(await md5Of(downloaded[name] ?? ""), onDisk, `${folder}/${name}`);
      for (const version of versionsOf(dataset, name).filter((v) => v.status === "secured")) {
        assert(contents.includes(version.md5_checksum ?? ""), `${folder}/${name} was never like its version`);
      }
    }
  }
  assert(await w.verified() >= datasets.length);

  assertEquals([...Deno.readDirSync(join(w.home, "staging"))], [], "nothing is left in the staging folder");
  const incoming = [...Deno.readDirSync(join(w.home, "hub", "incoming"))].filter((e) => e.name !== "guard");
  assertEquals(incoming, [], "no half-received upload is left");
  assertEquals(openUploads(w.home), 0, "no upload in parts is left open");
  assertEquals(leftovers(lab.tree), [], "no temporary file is left in the user's folders");
  assertEquals(leftovers(join(lab.database, "..")), ["experiments.db"]);
  assertEquals(processesOf(w.home), []);
}

/** Databases, journals and temporary files below a folder. */
function leftovers(folder: string): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.isDirectory) found.push(...leftovers(join(folder, entry.name)));
    else if (/\.tmp$|\.db|-wal$|-shm$|-journal$/.test(entry.name)) found.push(entry.name);
  }
  return found;
}

/** Uploads in parts that the platform still waits for. */
function openUploads(home: string): number {
  const db = new DatabaseSync(join(home, "hub", "hub.sqlite"), { readOnly: true });
  try {
    return Number(db.prepare("SELECT count(*) AS n FROM uploads").get()?.n);
  } finally {
    db.close();
  }
}
