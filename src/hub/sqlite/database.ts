/** One SQLite connection: opening with migrations, typed rows, transactions, and commits that share their fsync. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { z } from "zod";
import { SyncError } from "../../kit/errors.ts";
import { MIGRATIONS } from "./migrations.ts";
import { SharedSync } from "../shared_sync.ts";

/** How long a statement waits for another process' transaction, ms. */
const BUSY_TIMEOUT = 10_000;

/** `lazy`: losing the change in a power cut harms nobody, so no answer waits for it. */
export type Durability = "durable" | "lazy";

export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #walSync: SharedSync;
  #wal: Deno.FsFile | null = null;
  #committed = 0;
  #synced = 0;

  /**
   * Opens or creates the database and brings it to the newest version.
   * @throws SyncError `hub_unreadable` (damaged, no rights), `hub_too_new` (written by a newer version)
   */
  constructor(readonly path: string) {
    this.#walSync = new SharedSync(() => this.#syncWal());
    try {
      createPrivate(path);
      this.#db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
    } catch (e) {
      throw unreadable(path, e);
    }
    try {
      const mode = this.#db.prepare("PRAGMA journal_mode").get()?.journal_mode;
      if (mode !== "wal") this.#db.exec("PRAGMA journal_mode = WAL");
      // The WAL is synced by `durable`, once for all commits since the last time, and without blocking the event loop.
      this.#db.exec("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
      this.#migrate();
    } catch (e) {
      this.#db.close();
      throw e instanceof SyncError ? e : unreadable(path, e);
    }
  }

  #migrate(): void {
    this.write("durable", () => {
      const version = Number(this.#db.prepare("PRAGMA user_version").get()?.user_version);
      if (version > MIGRATIONS.length) {
        throw new SyncError(
          "local",
          "hub_too_new",
          `${this.path} was written by a newer version of this program`,
          {
            hint: "Install the newest version of etiket-sync.",
          },
        );
      }
      for (const sql of MIGRATIONS.slice(version)) this.#db.exec(sql);
      if (version < MIGRATIONS.length) this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    });
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  all<T>(row: z.ZodType<T>, sql: string, ...values: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...values).map((r) => row.parse(r));
  }

  get<T>(row: z.ZodType<T>, sql: string, ...values: SQLInputValue[]): T | null {
    const found = this.#prepare(sql).get(...values);
    return found === undefined ? null : row.parse(found);
  }

  /** @returns how many rows changed, and the id of the last inserted one */
  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** Runs `action` in a transaction that no other writer can come between; what it throws undoes all of it. */
  write<T>(durability: Durability, action: () => T): T {
    this.#prepare("BEGIN IMMEDIATE").run();
    let result: T;
    try {
      result = action();
      this.#prepare("COMMIT").run();
    } catch (e) {
      // SQLite has ended the transaction by itself after some errors, such as a full disk.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw e;
    }
    if (durability === "durable") this.#committed++;
    return result;
  }

  /** Resolves once all durable commits up to now survive a power cut. */
  async durable(): Promise<void> {
    if (this.#synced < this.#committed) await this.#walSync.request();
  }

  async #syncWal(): Promise<void> {
    const committed = this.#committed;
    this.#wal ??= Deno.openSync(`${this.path}-wal`, { write: true });
    await this.#wal.syncData();
    this.#synced = committed;
  }

  close(): void {
    this.#wal?.close();
    this.#wal = null;
    this.#db.close();
  }
}

/**
 * Creates a file that only its owner can read: it will hold keys. One that exists is not even opened, because closing
 * it again would end the locks of another connection of this process.
 */
function createPrivate(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (e) {
    if (!(e instanceof Deno.errors.AlreadyExists)) throw e;
  }
}

function unreadable(path: string, cause: unknown): SyncError {
  return new SyncError("local", "hub_unreadable", `the hub's catalogue ${path} can not be opened`, {
    hint:
      "Check that the folder is on a local disk and writable; a damaged file has to be restored from a backup.",
    cause,
  });
}
