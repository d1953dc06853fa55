/** Runs that QCoDeS kept in memory: the database only knows where their netCDF file was exported to. */
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import { openHdf5 } from "../../src/kit/hdf5/open.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { DraftLog } from "../../src/kit/drafts.ts";
import type { Run } from "./database.ts";

const exportInfoSchema = z.object({ export_paths: z.object({ nc: z.string() }) });

/**
 * Finds the file: at the exported path, else under the same name in `qcodes_data/` beside the database or beside it.
 * Only a file with the guid of the run counts.
 */
export async function findExportedFile(
  databasePath: string,
  run: Run,
): Promise<{ path: string | null; logs: DraftLog[] }> {
  const logs: DraftLog[] = [];
  const exported = exportedPath(run);
  if (exported !== null) {
    // The path may come from another computer, with either kind of separator.
    const name = exported.split(/[\\/]/).at(-1) ?? "";
    const beside = dirname(databasePath);
    for (const path of [exported, join(beside, "qcodes_data", name), join(beside, name)]) {
      if (name === "" || basename(path) !== name && path !== exported || !isFile(path)) continue;
      const guid = await guidOf(path);
      if (guid === run.guid && guid !== null) return { path, logs };
      logs.push({
        code: "in_memory_file_mismatch",
        message: `run ${run.runId}: ${path} ${
          guid === null ? "cannot be read" : `belongs to the run ${guid}`
        }`,
      });
    }
  }
  logs.push({
    code: "in_memory_file_missing",
    message: `run ${run.runId} was kept in memory, and its exported netCDF file ` +
      (exported === null ? "is not recorded in the database" : `${exported} was not found`),
  });
  return { path: null, logs };
}

function exportedPath(run: Run): string | null {
  const info = run.metadata.get("export_info");
  if (typeof info !== "string") return null;
  try {
    const parsed = exportInfoSchema.safeParse(parseTolerantJson(info));
    return parsed.success ? parsed.data.export_paths.nc : null;
  } catch {
    return null;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function guidOf(path: string): Promise<string | null> {
  try {
    using file = await openHdf5(path);
    const guid = file.root.attributeValue("guid");
    return typeof guid === "string" ? guid : null;
  } catch (e) {
    // A file that is being written may be the right one.
    if (e instanceof SyncError && e.class === "busy") throw e;
    return null;
  }
}
