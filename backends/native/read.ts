/** One dataset of the native database as a draft. */
import { z } from "zod";
import type { ReadItem } from "../../src/kit/define_backend.ts";
import type { DatasetDraft, ReadResult, Replica } from "../../src/kit/drafts.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { ReadOnlyDatabase, Row } from "../../src/kit/sqlite/read_only_database.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import type { NativeConfig } from "./config.ts";
import { column, demandNative, selection, utcOf, uuidOf, whereDataset } from "./database.ts";
import { attributesOf } from "./discover.ts";
import { sortFiles } from "./files.ts";
import { stateOf } from "./state.ts";

const text = z.string().nullable();
const rowSchema = z.object({
  id: z.int(),
  uuid: column(uuidOf, "is no uuid"),
  alt_uid: text,
  collected: column(utcOf, "is no UTC time"),
  modified: z.string(),
  name: z.string(),
  creator: text,
  description: text,
  notes: text,
  keywords: column(keywordsOf, "is no JSON list of texts"),
  ranking: z.int().nullable(),
});

function keywordsOf(stored: unknown): string[] | null {
  try {
    const isEmpty = stored === null || stored === "";
    const value = z.array(z.union([z.string(), z.number()])).nullable()
      .safeParse(isEmpty ? null : parseTolerantJson(String(stored)));
    return value.success ? (value.data ?? []).map(String) : null;
  } catch {
    return null;
  }
}

/** @throws SyncError `native_row_invalid`, `native_row_missing` (class data), those of {@link withReadOnly} */
export function readDataset(config: NativeConfig, item: ReadItem, temp: string): Promise<ReadResult> {
  return withReadOnly(config.database, (db): ReadResult => {
    demandNative(db);
    const { sql, params } = whereDataset(item.identifier);
    const row = db.get(`SELECT ${selection(db, "datasets", "d")} FROM datasets AS d WHERE ${sql}`, ...params);
    if (!row) {
      throw new SyncError(
        "data",
        "native_row_missing",
        `the dataset ${item.identifier} is not in ${db.path} any more`,
        {
          hint: "It was deleted in qdrive: nothing to do. What is on the platform stays.",
        },
      );
    }
    const files = db.all(
      `SELECT ${selection(db, "files", "f")} FROM files AS f
       WHERE f.synchronized = 0 AND f.dataset_id = ? ORDER BY f.uuid, f.version_id`,
      row.id ?? null,
    );
    return { draft: draftOf(db, row, sortFiles(files, config.movedTo)) };
  }, { temp });
}

function draftOf(db: ReadOnlyDatabase, row: Row, files: ReturnType<typeof sortFiles>): DatasetDraft {
  const what = `dataset ${JSON.stringify(row.name)} (row ${row.id} of datasets)`;
  const parsed = rowSchema.safeParse({ ...row });
  if (!parsed.success) throw invalid(what, parsed.error);
  const dataset = parsed.data;
  const modified = utcOf(dataset.modified);
  return {
    name: dataset.name,
    ...(dataset.alt_uid ? { alt_uid: dataset.alt_uid } : {}),
    collected: dataset.collected,
    ...(dataset.description === null ? {} : { description: dataset.description }),
    keywords: dataset.keywords,
    ranking: dataset.ranking ?? 0,
    attributes: Object.fromEntries(attributesOf(db, JSON.stringify([row.id])).get(row.id ?? null) ?? []),
    files: files.open.map((f) => f.draft),
    skips: files.skips,
    problems: files.problems,
    ...(files.writing ? { state: "incomplete" } : {}),
    replica: {
      uuid: dataset.uuid,
      scope: scopeOf(db, row, what),
      creator: dataset.creator ?? "",
      notes: dataset.notes,
      modified: modified === null ? 0 : Date.parse(modified),
      state: stateOf({
        modified: dataset.modified,
        synchronized: row.synchronized === 1,
        files: files.open.map((f) => f.seen),
      }),
    },
  };
}

function scopeOf(db: ReadOnlyDatabase, row: Row, what: string): Replica["scope"] {
  const scope = db.get(
    `SELECT ${selection(db, "scopes", "s")} FROM scopes AS s WHERE s.id = ?`,
    row.scope_id ?? null,
  );
  const uuid = uuidOf(scope?.uuid);
  if (scope && uuid) {
    return { uuid, name: String(scope.name ?? ""), description: String(scope.description ?? "") };
  }
  const problem = scope ? `its uuid ${JSON.stringify(scope.uuid)} is no uuid` : "it is not there";
  throw new SyncError(
    "data",
    "native_row_invalid",
    `${what}: scope (row ${row.scope_id} of scopes): ${problem}`,
    {
      hint: "Log in with qdrive so that it fetches its scopes again.",
    },
  );
}

function invalid(what: string, error: z.ZodError): SyncError {
  const issues = error.issues.map((i) => `${i.path.join(".")} ${i.message}`).join("; ");
  return new SyncError("data", "native_row_invalid", `${what}: ${issues}`, {
    hint: "This row is damaged: correct it in qdrive, or ask its support.",
  });
}
