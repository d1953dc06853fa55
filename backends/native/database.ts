/** The tables of a native database; their columns differ by the client's generation and are detected, not assumed. */
import { z } from "zod";
import { SyncError } from "../../src/kit/errors.ts";
import { quoted, type ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";

/** Schema versions before times were stored in UTC, oldest first (c867b432fc6a was the first that did). */
const LOCAL_TIMES = [
  "4000a8b9703a",
  "6e8777d1c9f3",
  "716ce37a1bc1",
  "c5d93c68feda",
  "fe8c0d015ba2",
  "bec34208dd87",
  "24b0115d4cc7",
  "c077798e06b9",
];

/** Columns that are read; those with `null` are null where a generation lacks them. */
const COLUMNS = {
  datasets: {
    needed: ["id", "uuid", "collected", "modified", "name", "scope_id", "synchronized"],
    optional: ["alt_uid", "creator", "description", "notes", "keywords", "ranking"],
  },
  files: {
    needed: [
      "id",
      "uuid",
      "version_id",
      "name",
      "filename",
      "type",
      "status",
      "dataset_id",
      "modified",
      "local_path",
      "synchronized",
    ],
    optional: ["creator", "collected", "file_generator", "ranking"],
  },
  scopes: { needed: ["id", "uuid", "name"], optional: ["description"] },
} as const;
type Table = keyof typeof COLUMNS;

/** A file that is to be uploaded, of the table `files` under the alias `f`. */
export const OPEN_FILE = "f.synchronized = 0 AND f.status = 'complete' AND f.type <> 'HDF5_CACHE'";

/** A file that is being written and shown while it is. Caches are copies of what another source measures. */
export const LIVE_FILE = "f.synchronized = 0 AND f.status = 'writing' AND f.type <> 'HDF5_CACHE'";

/**
 * @throws SyncError of class source: `not_a_native_database`, `native_schema_old` naming the version,
 * `native_schema_unknown` naming what is missing
 */
export function demandNative(db: ReadOnlyDatabase): void {
  const tables = db.tables();
  if (!tables.has("datasets") || !tables.has("files")) {
    throw new SyncError("source", "not_a_native_database", `${db.path} has no tables datasets and files`, {
      hint: "Give the data folder of qdrive, which holds sql/etiket_db.sql.",
    });
  }
  const versions = tables.has("alembic_version")
    ? db.all("SELECT version_num FROM alembic_version").map((r) => String(r.version_num))
    : [];
  const old = versions.find((v) => LOCAL_TIMES.includes(v));
  if (old !== undefined) {
    throw new SyncError(
      "source",
      "native_schema_old",
      `${db.path} has the schema ${old}, in which times are not in UTC yet`,
      {
        hint:
          "Update qdrive and start it once: it brings its database to a newer schema (c867b432fc6a or later).",
      },
    );
  }
  for (const table of Object.keys(COLUMNS) as Table[]) {
    const present = new Set(db.columns(table).map((c) => c.name));
    const lacking = COLUMNS[table].needed.filter((c) => !present.has(c));
    if (lacking.length === 0) continue;
    throw new SyncError(
      "source",
      "native_schema_unknown",
      `${db.path} (schema ${versions.join(", ") || "without a version"}) has no ${table}.${
        lacking.join(`, ${table}.`)
      }`,
      { hint: "This layout is not known: update etiket-sync." },
    );
  }
}

/** The columns of a table for a SELECT, under an alias; null for those that this generation does not have. */
export function selection(db: ReadOnlyDatabase, table: Table, alias: string): string {
  const present = new Set(db.columns(table).map((c) => c.name));
  const { needed, optional } = COLUMNS[table];
  return [...needed, ...optional]
    .map((c) => `${present.has(c) ? `${alias}.${quoted(c)}` : "NULL"} AS ${quoted(c)}`)
    .join(", ");
}

/** 32 hex digits, as uuids are stored, in the form with dashes; null when it is no uuid. */
export function uuidOf(stored: unknown): string | null {
  const hex = typeof stored === "string" ? stored.replaceAll("-", "").toLowerCase() : "";
  if (!/^[0-9a-f]{32}$/.test(hex)) return null;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC as ISO 8601 with microseconds and `+00:00`; null when it is no such time. */
export function utcOf(stored: unknown): string | null {
  const match = typeof stored === "string" &&
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00)?$/.exec(stored.trim());
  if (!match) return null;
  const [, day = "", time = "", fraction = ""] = match;
  const ms = Date.parse(`${day}T${time}Z`);
  // A day that does not exist is moved to the next month by the parser.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(day)) return null;
  return `${day}T${time}.${fraction.padEnd(6, "0")}+00:00`;
}

/** Schema of a cell that has to be parsed. @param problem what to say of one that `parse` makes nothing of */
export function column<T>(parse: (stored: unknown) => T | null, problem: string): z.ZodType<T> {
  return z.unknown().transform((stored, context) => {
    const value = parse(stored);
    if (value !== null) return value;
    context.addIssue({ code: "custom", message: problem });
    return z.NEVER;
  });
}

/** Identifier of a dataset: its uuid as text; what else is stored there, or the row, when that is none. */
export function identifierOf(row: { id: unknown; uuid: unknown }): string {
  return uuidOf(row.uuid) ?? `row ${row.id}`;
}

/** Ways in which a uuid may be stored: the usual one, and those that {@link uuidOf} understands as well. */
export function storedUuids(uuid: string): [string, string, string] {
  const hex = uuid.replaceAll("-", "");
  return [hex, hex.toUpperCase(), uuid];
}

/** The condition that finds the dataset of an identifier in the table `datasets` under the alias `d`. */
export function whereDataset(identifier: string): { sql: string; params: (string | number)[] } {
  const row = /^row (\d+)$/.exec(identifier)?.[1];
  if (row !== undefined) return { sql: "d.id = ?", params: [Number(row)] };
  return { sql: "d.uuid IN (?, ?, ?)", params: storedUuids(identifier) };
}
