/** The file versions of a dataset: which are to be uploaded, which not, and which rows are damaged. */
import { lstatSync } from "node:fs";
import { basename, extname, isAbsolute, join, posix, win32 } from "node:path";
import { z } from "zod";
import type { FileDraft, FileType, Skip } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { logicalName } from "../../src/kit/logical_name.ts";
import type { Row } from "../../src/kit/sqlite/read_only_database.ts";
import { column, utcOf, uuidOf } from "./database.ts";
import type { SeenFile } from "./state.ts";

/** A version that is to be uploaded, unless the platform has it. */
export interface OpenFile {
  draft: FileDraft;
  seen: SeenFile;
}

const TYPES = ["HDF5", "HDF5_NETCDF", "NDARRAY", "JSON", "TEXT", "UNKNOWN"] as const satisfies FileType[];

const rowSchema = z.object({
  uuid: column(uuidOf, "is no uuid"),
  version_id: z.int(),
  name: z.string(),
  filename: z.string(),
  type: z.enum(TYPES, `is none of ${TYPES.join(", ")}`),
  creator: z.string().nullable(),
  collected: column(utcOf, "is no UTC time"),
  modified: z.string(),
  local_path: z.string().nullable(),
  file_generator: z.string().nullable(),
  ranking: z.int().nullable(),
});

/** Why a version that is not synchronized stays here, by its status. */
const WAITS: Record<string, string> = { writing: "still_writing", unavailable: "unavailable" };

/**
 * @param rows of one dataset that are not synchronized
 * @param movedTo data folder in which files are looked for that are not where they were recorded
 */
export function sortFiles(
  rows: Row[],
  movedTo: string | undefined,
): { open: OpenFile[]; skips: Skip[]; problems: ErrorData[]; writing: boolean } {
  const open: OpenFile[] = [];
  const skips: Skip[] = [];
  const problems: ErrorData[] = [];
  let writing = false;
  for (const row of rows) {
    const skipped = { path: String(row.local_path ?? row.filename), name: String(row.name) };
    const status = String(row.status);
    if (row.type === "HDF5_CACHE") skips.push({ ...skipped, reason: "cache_file", rule: "HDF5_CACHE" });
    else if (WAITS[status] !== undefined) {
      skips.push({ ...skipped, reason: WAITS[status], rule: `status ${status}` });
      writing ||= status === "writing";
    } else {
      try {
        open.push(openFile(row, status, movedTo));
      } catch (e) {
        problems.push(SyncError.from(e).toData());
      }
    }
  }
  return { open, skips, problems, writing };
}

/** @throws SyncError `native_row_invalid`, `file_name_invalid` */
function openFile(row: Row, status: string, movedTo: string | undefined): OpenFile {
  const parsed = rowSchema.safeParse({ ...row });
  if (!parsed.success || status !== "complete") {
    const issues = parsed.error?.issues.map((i) => `${i.path.join(".")} ${i.message}`) ?? [];
    if (status !== "complete") issues.push(`status ${JSON.stringify(row.status)} is not known`);
    const what = `file ${JSON.stringify(row.filename)} (row ${row.id} of files)`;
    throw new SyncError("data", "native_row_invalid", `${what}: ${issues.join("; ")}`, {
      hint: "This row is damaged: correct it in qdrive, or ask its support.",
    });
  }
  const file = parsed.data;
  const { uuid, version_id, collected, modified } = file;
  const place = placeOf(file.local_path, movedTo);
  const filename = bareName(file.filename) || bareName(file.local_path ?? "") || "file";
  return {
    seen: { uuid, version_id, modified },
    draft: {
      name: logicalName(file.name || basename(filename, extname(filename))),
      filename,
      path: place.path || filename,
      staged: false,
      type: file.type,
      created: Date.parse(collected),
      ...(file.file_generator ? { file_generator: file.file_generator } : {}),
      ranking: file.ranking ?? 0,
      version: {
        uuid,
        version_id,
        creator: file.creator ?? "",
        collected,
        ...(place.missing === undefined ? {} : { missing: place.missing }),
      },
    },
  };
}

/** Rows may come from another system. */
const bareName = (path: string) => posix.basename(win32.basename(path));

/** Where the bytes are, or why they can't be had. @param recorded `local_path` of the row */
export function placeOf(
  recorded: string | null,
  movedTo: string | undefined,
): { path: string; missing?: string } {
  if (recorded === null || recorded === "") return { path: "", missing: "no path is recorded for it" };
  if (!isAbsolute(recorded)) return { path: recorded, missing: `${recorded} is no absolute path` };
  const problem = problemOf(recorded);
  if (problem === undefined) return { path: recorded };
  const moved = movedPlace(recorded, movedTo);
  return moved !== undefined && problemOf(moved) === undefined
    ? { path: moved }
    : { path: recorded, missing: `${recorded} ${problem}` };
}

function problemOf(path: string): string | undefined {
  try {
    const stat = lstatSync(path);
    if (stat.isFile()) return undefined;
    return stat.isSymbolicLink() ? "is a link" : stat.isDirectory() ? "is a folder" : "is no file";
  } catch (e) {
    const code = e instanceof Error && "code" in e ? String(e.code) : String(e);
    return code === "ENOENT" || code === "ENOTDIR" ? "does not exist" : `cannot be looked at (${code})`;
  }
}

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** `data/<scope>/<dataset>/<file>/<version>/<filename>`, the layout of the data folder. */
const IN_DATA_FOLDER = new RegExp(`[\\\\/](data(?:[\\\\/]${UUID}){3}[\\\\/]\\d+[\\\\/][^\\\\/]+)$`);

/** The same place in the data folder that the user named, for an installation that was moved. */
function movedPlace(recorded: string, movedTo: string | undefined): string | undefined {
  const inside = IN_DATA_FOLDER.exec(recorded)?.[1];
  return movedTo === undefined || inside === undefined ? undefined : join(movedTo, ...inside.split(/[\\/]/));
}
