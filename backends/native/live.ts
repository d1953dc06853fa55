/**
 * A dataset whose file is being written. There is nothing to follow, for qdrive's file can itself be read while it grows
 * (SWMR): the session tells where it is, and when it is complete.
 */
import type { ReadItem } from "../../src/kit/define_backend.ts";
import { fingerprintText, statExact } from "../../src/kit/fingerprint.ts";
import type { LiveAnswer, LiveEnd, LiveLook, LiveOpen, LiveSession } from "../../src/kit/live.ts";
import { type DatabaseFollower, followDatabase } from "../../src/kit/sqlite/follow_database.ts";
import type { ReadOnlyDatabase, SqlValue } from "../../src/kit/sqlite/read_only_database.ts";
import type { NativeConfig } from "./config.ts";
import { demandNative, LIVE_FILE, whereDataset } from "./database.ts";
import { placeOf } from "./files.ts";

/** A version of a file that is being written. */
interface LiveFile {
  row: SqlValue;
  name: string;
  path: string;
  /** Why it is not at its place. */
  missing?: string;
}

interface LiveDataset {
  name: string;
  /** The newest first. */
  files: LiveFile[];
}

/** @throws SyncError as reading a dataset does */
export async function followDataset(config: NativeConfig, item: ReadItem): Promise<LiveAnswer> {
  const database = await followDatabase(config.database);
  try {
    const dataset = database.read((db) => {
      demandNative(db);
      return liveDataset(db, config, item.identifier);
    });
    const file = dataset?.files[0];
    if (file && file.missing === undefined) {
      return { session: new Session(database, config, item.identifier) };
    }
    database[Symbol.dispose]();
    return { not_live: file?.missing ?? `no file of the dataset ${item.identifier} is being written` };
  } catch (e) {
    database[Symbol.dispose]();
    throw e;
  }
}

function liveDataset(
  db: ReadOnlyDatabase,
  { movedTo }: NativeConfig,
  identifier: string,
): LiveDataset | undefined {
  const { sql, params } = whereDataset(identifier);
  const dataset = db.get(`SELECT d.id, d.name FROM datasets AS d WHERE ${sql}`, ...params);
  if (!dataset) return undefined;
  const rows = db.all(
    `SELECT f.id, f.name, f.local_path FROM files AS f WHERE f.dataset_id = ? AND ${LIVE_FILE} ORDER BY f.id DESC`,
    dataset.id ?? null,
  );
  return {
    name: String(dataset.name ?? ""),
    files: rows.map((row) => ({
      row: row.id ?? null,
      name: String(row.name ?? ""),
      ...placeOf(row.local_path === null ? null : String(row.local_path), movedTo),
    })),
  };
}

class Session implements LiveSession {
  readonly poll = { active: 500, quiet: 1000 };
  readonly silence = "parks";
  #file: LiveFile | undefined;
  /** Size and time of the file at the last look. */
  #state = "";

  constructor(
    private readonly database: DatabaseFollower,
    private readonly config: NativeConfig,
    private readonly identifier: string,
  ) {}

  get watch(): string[] {
    return [this.config.database, `${this.config.database}-wal`];
  }

  look(): LiveLook {
    const file = this.#file;
    if (file && !this.database.changed()) return this.#life(file.path);
    const dataset = this.database.read((db) => liveDataset(db, this.config, this.identifier));
    const [newest] = dataset?.files ?? [];
    if (!dataset || !newest) {
      return { changes: [], end: this.#end(dataset !== undefined) };
    }
    if (newest.missing !== undefined) return { changes: [], end: lost(newest.missing) };
    if (file?.row === newest.row) return this.#life(newest.path);
    this.#file = newest;
    return { ...this.#life(newest.path), changes: [openOf(dataset, newest)] };
  }

  /** Whether the file grew. */
  #life(path: string): LiveLook {
    let state: string;
    try {
      state = fingerprintText(statExact(path, true));
    } catch {
      return { changes: [], end: lost(`${path} does not exist any more`) };
    }
    const alive = this.#state !== state;
    this.#state = state;
    return { changes: [], ...(alive ? { alive } : {}) };
  }

  /** Why the file is no longer among those that are being written. */
  #end(hasDataset: boolean): LiveEnd {
    const row = this.#file?.row;
    if (!hasDataset || row === undefined) {
      return lost(`the dataset ${this.identifier} is not in the database any more`);
    }
    const status = this.database.read((db) => db.get("SELECT status FROM files WHERE id = ?", row)?.status);
    if (status === "complete") {
      return { reason: "completed", evidence: "the row of the file is complete", complete: true };
    }
    return lost(status === undefined ? "the row of the file is gone" : `the row of the file is ${status}`);
  }

  close(): void {
    this.database[Symbol.dispose]();
  }
}

function openOf({ name }: LiveDataset, file: LiveFile): LiveOpen {
  return { type: "open", name, attrs: { live_file: file.path, file: file.name }, variables: [] };
}

function lost(evidence: string): LiveEnd {
  return { reason: "lost", evidence, complete: false };
}
