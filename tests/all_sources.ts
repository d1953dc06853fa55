/** Copies of all fixtures of folders and QCoDeS databases, and a run over them. */
import { join } from "node:path";
import type { Outcome } from "../src/cli/test_cli.ts";
import { folderSource, OnceSchema, qcodesSource } from "./agent_process.ts";
import { assert, assertEquals } from "./assert.ts";
import { copyFolder } from "./convert.ts";
import { unpackFolderbase } from "./folderbase_fixture.ts";

const QCODES = new URL("./fixtures/qcodes/", import.meta.url).pathname;

export interface AllSources extends AsyncDisposable {
  root: string;
}

/** Below `root`: the folder trees, `qcodes/experiments.db`, `wal_case/wal_only.db` and `old/*.db`. */
export async function layOutSources(): Promise<AllSources> {
  const fixture = await unpackFolderbase();
  await copyFolder(QCODES, join(fixture.root, "qcodes"));
  await Deno.rename(join(fixture.root, "qcodes", "wal_case"), join(fixture.root, "wal_case"));
  await Deno.rename(join(fixture.root, "qcodes", "old_versions"), join(fixture.root, "old"));
  return fixture;
}

/** Syncs everything with one command after the other and checks how much came out. `more`: settings of the folder sources. */
export async function syncAll(
  root: string,
  run: (...args: string[]) => Promise<Outcome>,
  more: string[] = [],
): Promise<{ files: number; stderr: string }> {
  let [files, stderr] = [0, ""];
  const once = async (code: number, synchronized: number, args: string[]) => {
    const outcome = await run("once", ...args, "--json");
    assertEquals(outcome.code, code, `${args.join(" ")}\n${outcome.stdout}\n${outcome.stderr}`);
    const report = OnceSchema.parse(JSON.parse(outcome.stdout));
    assertEquals(report.sources.map((s) => [s.status, s.items_synchronized]), [["scanning", synchronized]]);
    files += report.files_uploaded;
    stderr += outcome.stderr;
  };
  await once(3, 18, folderSource(join(root, "level_any"), ...more));
  await once(0, 2, folderSource(join(root, "level_1"), "--set", "level=1", ...more));
  await once(0, 4, folderSource(join(root, "level_2"), "--set", "level=2", ...more));
  await once(0, 28, qcodesSource(join(root, "qcodes", "experiments.db")));
  await once(0, 1, qcodesSource(join(root, "wal_case", "wal_only.db")));
  await once(0, 10, qcodesSource(join(root, "old", "v0.db")));
  assert(files > 80, `${files} files`);
  return { files, stderr };
}
