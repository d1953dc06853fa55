/** Finds new and changed runs of one or many databases without reading their data (B8). */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { DiscoveredItem, DiscoveryPage } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { fingerprintText, statExact } from "../../src/kit/fingerprint.ts";
import { databaseState } from "../../src/kit/sqlite/database_state.ts";
import type { ReadOnlyDatabase, Row } from "../../src/kit/sqlite/read_only_database.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { activityOf, QUIET_MS } from "./activity.ts";
import { demandBeamtime, numberOf, SELECT_RUNS, textOf } from "./beamtime_database.ts";
import type { ResonanceConfig } from "./config.ts";
import { databaseFile, findDatabases, identifierOf, type Unmatched } from "./places.ts";

/** Runs of one page, and the newest ones that are compared whenever their database changed. */
const PAGE = 1000;
/**
 * Time between two looks at a database whose writer has a transaction open, ms: there is nothing new to see in it, and
 * to read it, it has to be copied.
 */
const HELD_EVERY = 3 * 60 * 1000;
/** Longest time for databases of one page, ms: there may be hundreds, on a slow share. */
const PAGE_MS = 5000;
/** Time between two rounds over all runs, ms. */
const SWEEP_EVERY = 10 * 60 * 1000;

const knownSchema = z.object({
  /** Changes with the file. */
  identity: z.string(),
  /** It has runs without exit status, whose state changes with time. */
  open: z.boolean(),
  /** When it was read, ms since 1970 UTC. */
  read: z.number(),
  /** Start of its newest run, unix seconds. */
  newest: z.number(),
  /** Why it holds no runs. */
  unmatched: z.string().optional(),
});
const cursorSchema = z.object({
  /** When the last round over all runs began, ms since 1970 UTC. */
  swept: z.number(),
  known: z.record(z.string(), knownSchema),
  /** What this round still has to look at: databases, and the row below which to go on. */
  todo: z.array(z.object({ database: z.string(), below: z.number().nullable(), all: z.boolean() })),
  /** Other files that belong to no item. */
  others: z.array(z.object({ path: z.string(), reason: z.string() })),
});
type Cursor = z.infer<typeof cursorSchema>;
type Known = z.infer<typeof knownSchema>;

/**
 * One page. A round looks at the newest runs of all databases that changed, and at all runs at the first time and every
 * 10 minutes.
 * @throws SyncError `root_missing`; those of the database when it is the only one
 */
export async function discover(config: ResonanceConfig, since: unknown, now: number): Promise<DiscoveryPage> {
  const parsed = cursorSchema.safeParse(since);
  const cursor = parsed.success && parsed.data.todo.length > 0
    ? parsed.data
    : newRound(config, parsed.success ? parsed.data : null, now);
  const items: DiscoveredItem[] = [];
  const end = performance.now() + PAGE_MS;
  do {
    const next = cursor.todo.shift();
    if (!next) break;
    const page = await pageOf(config, next, cursor.known, now);
    items.push(...page.items);
    if (page.known) cursor.known[next.database] = page.known;
    if (page.below !== null && next.all) cursor.todo.unshift({ ...next, below: page.below });
  } while (items.length < PAGE && performance.now() < end);
  const more = cursor.todo.length > 0;
  return { items, cursor, more, ...(more ? {} : { unmatched: unmatchedOf(cursor) }) };
}

function newRound(config: ResonanceConfig, last: Cursor | null, now: number): Cursor {
  const { databases, unmatched } = config.data_directory === undefined
    ? { databases: [""], unmatched: [] }
    : findDatabases(config.data_directory);
  const all = last === null || now - last.swept >= SWEEP_EVERY || now < last.swept;
  const known: Record<string, Known> = {};
  const todo: Cursor["todo"] = [];
  for (const database of databases) {
    const before = last?.known[database];
    if (before) known[database] = before;
    if (!before || isDue(before, stateOf(databaseFile(config, database)), all, now)) {
      todo.push({ database, below: null, all: all || !before });
    }
  }
  return { swept: all ? now : last.swept, known, todo, others: unmatched };
}

function isDue(known: Known, { identity, held }: FileState, all: boolean, now: number): boolean {
  if (known.identity !== identity) return true;
  if (known.unmatched !== undefined || !(all || known.open)) return false;
  return !held || now - known.read >= HELD_EVERY || now < known.read;
}

interface FileState {
  /** Text that changes with what is committed in a database, or with a file of any other kind. */
  identity: string;
  /** A transaction is open. */
  held: boolean;
}

function stateOf(path: string): FileState {
  try {
    const { identity, databaseIdentity, wal, journal } = databaseState(path);
    return { identity: wal ? identity : databaseIdentity, held: journal };
  } catch {
    try {
      return { identity: fingerprintText(statExact(path, true)), held: false };
    } catch {
      return { identity: "absent", held: false };
    }
  }
}

interface Page {
  items: DiscoveredItem[];
  /** Row below which the next page begins; null at the end. */
  below: number | null;
  /** undefined when it has to be looked at again. */
  known?: Known;
}

async function pageOf(
  config: ResonanceConfig,
  { database, below }: Cursor["todo"][number],
  known: Record<string, Known>,
  now: number,
): Promise<Page> {
  const path = databaseFile(config, database);
  const { identity } = stateOf(path);
  try {
    const { modified } = databaseState(path);
    return await withReadOnly(path, (db): Page => {
      demandBeamtime(db);
      const rows = db.all(
        `${SELECT_RUNS} WHERE r.rowid < ? ORDER BY r.rowid DESC LIMIT ?`,
        below ?? Number.MAX_SAFE_INTEGER,
        PAGE,
      );
      const newest = numberOf(db.get("SELECT max(time_start) AS t FROM runs")?.t) ?? 0;
      const newestOfAll = Math.max(newest, ...Object.values(known).map((k) => k.newest));
      const last = rows.at(-1)?.row_number;
      return {
        items: rows.filter((row) => textOf(row.uid)).map((row) =>
          itemOf(db, database, row, { newest: newestOfAll, modified, now })
        ),
        below: rows.length < PAGE ? null : Number(last),
        known: {
          identity,
          newest,
          read: now,
          open: Number(db.get("SELECT count(*) AS n FROM runs WHERE exit_status IS NULL")?.n) > 0,
        },
      };
    });
  } catch (e) {
    const error = SyncError.from(e);
    if (database === "") throw error;
    // One database of many that cannot be read keeps no other one waiting.
    if (error.class === "busy") return { items: [], below: null };
    if (error.class === "local" || error.class === "internal") throw error;
    return {
      items: [],
      below: null,
      known: { identity, open: false, newest: 0, read: now, unmatched: error.code },
    };
  }
}

function unmatchedOf(cursor: Cursor): Unmatched[] {
  const databases = Object.entries(cursor.known).flatMap(([path, { unmatched: reason }]) =>
    reason === undefined ? [] : [{ path, reason }]
  );
  return [...databases, ...cursor.others];
}

/** What an unfinished run is judged by. */
interface Moment {
  /** Start of the newest run of all databases, unix seconds. */
  newest: number;
  /** When the files of the database changed, ms since 1970 UTC. */
  modified: number;
  now: number;
}

function itemOf(db: ReadOnlyDatabase, database: string, row: Row, moment: Moment): DiscoveredItem {
  const { row_number: _, ...values } = row;
  const uid = String(row.uid);
  const start = numberOf(row.time_start) ?? 0;
  const state = row.exit_status === null
    ? stateOfOpenRun(db, uid, start, moment)
    : { text: "", moves: false };
  return {
    identifier: identifierOf(database, uid),
    priority: Math.round(1000 * start),
    fingerprint: digest([values, state.text]),
    ...(state.moves && row.time_stop === null ? { running: true } : {}),
  };
}

/** What decides whether, and up to where, an unfinished run is published; and whether it may be going on. */
function stateOfOpenRun(
  db: ReadOnlyDatabase,
  uid: string,
  start: number,
  { newest, modified, now }: Moment,
): { text: string; moves: boolean } {
  const { last, extent } = activityOf(db, uid, modified);
  if (now - last > QUIET_MS) return { text: `quiet ${extent}`, moves: false };
  return { text: start < newest ? "superseded" : "running", moves: true };
}

function digest(values: unknown): string {
  const text = JSON.stringify(
    values,
    (_key, v) => typeof v === "bigint" ? String(v) : v instanceof Uint8Array ? v.toBase64() : v,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
