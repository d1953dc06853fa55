/** Finds new and changed measurements without reading their values (rule B8). */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { DiscoveredItem, DiscoveryPage } from "../../src/kit/define_backend.ts";
import type { CoreToolsDatabase } from "./config.ts";
import { type Database, withSnapshot } from "./connection.ts";
import { OVERVIEW, overviewColumns, selection } from "./overview.ts";
import { type Pace, paced, paceSchema } from "./pace.ts";
import { pointsWritten } from "./progress.ts";
import { uuidTime } from "./times.ts";

/** Measurements of one page of a sweep over all. */
const PAGE = 2000;
/** Measurements that every call looks at. */
const NEWEST = 1000;
/** A measurement whose cursors rest for this long is not being written any more, or its writer died, ms. */
const RUNNING_MS = 10 * 60 * 1000;
/** Time between two sweeps over all measurements, ms. */
const SWEEP_EVERY_MS = 10 * 60 * 1000;

const cursorSchema = z.object({
  /** Largest id seen. */
  max: z.number(),
  /** The sweep goes on below this id; null when it is done. */
  below: z.number().nullable(),
  /** When the last sweep began, ms since 1970 UTC. */
  swept: z.number(),
  /** Digest of the newest measurements as they were last given; null while that is not known. */
  newest: z.string().nullable(),
  /** Of the unfinished ones among the newest. */
  pace: paceSchema,
});
type Cursor = z.infer<typeof cursorSchema>;

/** What may change late: a difference makes a measurement due again. */
const TUPLE = [
  "uuid",
  "exp_name",
  "set_up",
  "project",
  "sample",
  "starred",
  "keywords",
  "completed",
  "data_size",
  "stop_time",
  "data_cleared",
  "exp_data_location",
  "sync_location",
];
const text = z.string().nullish().transform((value) => value ?? null);
const rowSchema = z.object({
  id: z.string(),
  uuid: z.string(),
  project: text,
  completed: text,
  exp_data_location: text,
  sync_location: text,
}).catchall(text);
type Row = z.infer<typeof rowSchema>;

/**
 * One page: first all measurements, newest first; later the newest 1000 when one of them changed, and all again every 10
 * minutes. What the cursor holds does not grow with the database. Each page is one look at the table, which in older
 * databases has no index by id.
 */
export async function discover(
  { server, setUp }: CoreToolsDatabase,
  since: unknown,
  now: number,
): Promise<DiscoveryPage> {
  const cursor = cursorSchema.safeParse(since).data;
  return await withSnapshot(server, async (db): Promise<DiscoveryPage> => {
    const overview = new Overview(db, await overviewColumns(db, server), setUp);
    if (cursor && cursor.below !== null) {
      const rows = await overview.rows("id < $1", cursor.below, PAGE + 1);
      return await sweepPage(db, rows, cursor, now);
    }
    if (cursor && now - cursor.swept < SWEEP_EVERY_MS && now >= cursor.swept) {
      const rows = await overview.rows("id > $1", 0, NEWEST);
      const max = Number(rows[0]?.id ?? 0);
      // Else another database was put in this place, or more is new than one look takes in.
      if (max >= cursor.max && max - cursor.max < NEWEST) {
        return await newestPage(db, rows, { ...cursor, max }, now);
      }
    }
    const rows = await overview.rows("id > $1", 0, PAGE + 1);
    const max = Number(rows[0]?.id ?? 0);
    const sweep = { max, below: null, swept: now, newest: null, pace: cursor?.pace ?? {} };
    return await sweepPage(db, rows, sweep, now);
  });
}

/** @param rows of the page, and one more if there are more */
async function sweepPage(
  db: Database,
  rows: readonly Row[],
  cursor: Cursor,
  now: number,
): Promise<DiscoveryPage> {
  const page = rows.slice(0, PAGE);
  const more = rows.length > PAGE;
  const { items } = await itemsOf(db, page, cursor.pace, now);
  const below = more ? Number(page.at(-1)?.id) : null;
  return { items, cursor: { ...cursor, below, newest: null } satisfies Cursor, more };
}

/** The newest, if anything is new about them. */
async function newestPage(
  db: Database,
  rows: readonly Row[],
  cursor: Cursor,
  now: number,
): Promise<DiscoveryPage> {
  const { items, pace } = await itemsOf(db, rows, cursor.pace, now);
  const newest = digest(
    items.map((item) => [item.identifier, item.fingerprint, item.scope_identifier, item.running]),
  );
  return {
    items: newest === cursor.newest ? [] : items,
    cursor: { ...cursor, newest, pace } satisfies Cursor,
    more: false,
  };
}

/** The table of all measurements, or those of one set-up. */
class Overview {
  readonly #selected: string;

  constructor(
    private readonly db: Database,
    private readonly columns: ReadonlySet<string>,
    private readonly setUp: string | undefined,
  ) {
    this.#selected = selection(["id", ...TUPLE, "data_update_count"], columns);
  }

  /** Never the snapshot: it can be megabytes. @param where a condition on `$1` */
  async rows(where: "id > $1" | "id < $1", id: number, limit: number): Promise<Row[]> {
    const ofSetUp = this.setUp !== undefined && this.columns.has("set_up") ? "AND set_up = $2" : "";
    const rows = await this.db.query(
      `SELECT ${this.#selected} FROM ${OVERVIEW} WHERE ${where.replace("$1", "$1::text::bigint")} ${ofSetUp}
       ORDER BY ${OVERVIEW}.id DESC LIMIT ${limit}`,
      String(id),
      ...(ofSetUp === "" ? [] : [this.setUp ?? ""]),
    );
    return rows.map((row) => rowSchema.parse(row));
  }
}

async function itemsOf(
  db: Database,
  rows: readonly Row[],
  before: Pace,
  now: number,
): Promise<{ items: DiscoveredItem[]; pace: Pace }> {
  const unfinished = rows.filter((row) => row.completed !== "true");
  const points = await pointsWritten(db, unfinished);
  const pace: Pace = {};
  for (const { id, uuid, data_update_count } of unfinished) {
    // The count is not enough: it stands still while a computer other than the server's writes.
    const progress = `${points.get(uuid) ?? ""} ${data_update_count ?? ""}`;
    pace[id] = paced(before, id, progress, now);
  }
  return { items: rows.map((row) => itemOf(row, pace[row.id], now)), pace };
}

/** @param pace of an unfinished measurement; the values of a finished one do not change */
function itemOf(row: Row, pace: Pace[string] | undefined, now: number): DiscoveredItem {
  const { project } = row;
  const progress = pace?.reported;
  const tuple = TUPLE.map((name) => row[name] ?? null);
  return {
    identifier: row.id,
    priority: Number(row.id),
    ...(project === null || project === "" ? {} : { scope_identifier: project }),
    fingerprint: digest(progress === undefined ? tuple : [...tuple, progress]),
    ...(pace && isRunning(row, pace, now) ? { running: true } : {}),
  };
}

/** Begun or seen to move a moment ago; the tables say nothing of when a cursor moved. */
function isRunning({ uuid }: Row, { moved }: Pace[string], now: number): boolean {
  const begun = uuidTime(uuid) ?? 0;
  // The clock of the computer that measures may be another one.
  return Math.abs(now - begun) < RUNNING_MS || now - moved < RUNNING_MS;
}

function digest(values: unknown): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 32);
}
