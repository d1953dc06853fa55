/** One SQLite connection: opening with migrations, typed rows, and transactions that share their commits and fsyncs. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { clearImmediate, setImmediate } from "node:timers";
import type { z } from "zod";
import { SyncError } from "../../kit/errors.ts";
import { MIGRATIONS } from "./migrations.ts";
import { SharedSync } from "../shared_sync.ts";

/** How long a statement waits for another process' transaction, ms. */
const BUSY_TIMEOUT = 10_000;

/** `lazy`: losing the change in a power cut harms nobody, so no answer waits for it. */
export type Durability = "durable" | "lazy";

/** Whose group of transactions is open, by path: another connection of this process would wait for it in vain. */
const groups = new Map<string, Database>();

export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #walSync: SharedSync;
  #wal: Deno.FsFile | null = null;
  /** Durable transactions up to now, and how many of them have reached the disk. */
  #written = 0;
  #synced = 0;
  /** Groups that were lost. */
  #failures = 0;
  #failure: unknown;
  #end: ReturnType<typeof setImmediate> | undefined;
  /** The group that is open, or was last, has ended. */
  #ended: PromiseWithResolvers<void> = Promise.withResolvers();

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
      this.commit();
    } catch (e) {
      this.#ungroup();
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

  /**
   * Runs `action` in a transaction that no other writer can come between; what it throws undoes all of it. Transactions of
   * one turn of the event loop are committed as a group: a commit costs more than most of what is in it.
   */
  write<T>(durability: Durability, action: () => T): T {
    this.#group();
    this.#prepare("SAVEPOINT one").run();
    let result: T;
    try {
      result = action();
      this.#prepare("RELEASE one").run();
    } catch (e) {
      // SQLite has ended the whole group by itself after some errors, such as a full disk.
      if (!this.#db.isTransaction) this.#lost(e);
      else {
        this.#prepare("ROLLBACK TO one").run();
        this.#prepare("RELEASE one").run();
      }
      throw e;
    }
    if (durability === "durable") this.#written++;
    return result;
  }

  #group(): void {
    if (this.#db.isTransaction) return;
    groups.get(this.path)?.commitQuietly();
    this.#prepare("BEGIN IMMEDIATE").run();
    groups.set(this.path, this);
    this.#ended = Promise.withResolvers();
    this.#end = setImmediate(() => this.commitQuietly());
  }

  /** Ends the group that is open. Throws what SQLite does; all of its transactions are undone then. */
  commit(): void {
    if (!this.#db.isTransaction) return;
    try {
      this.#prepare("COMMIT").run();
      this.#ungroup();
    } catch (e) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.#lost(e);
      throw e;
    }
  }

  /** {@link commit} where nobody waits for it: who took part hears of a failure from {@link durable}. */
  commitQuietly(): void {
    try {
      this.commit();
    } catch {
      // It is remembered.
    }
  }

  #ungroup(): void {
    clearImmediate(this.#end);
    if (groups.get(this.path) === this) groups.delete(this.path);
    this.#ended.resolve();
  }

  #lost(failure: unknown): void {
    this.#failures++;
    this.#failure = failure;
    this.#ungroup();
  }

  /** To be taken before the first of the transactions that {@link durable} is to answer for. */
  mark(): number {
    return this.#failures;
  }

  /**
   * Resolves once all transactions up to now are committed and the durable ones survive a power cut.
   * @throws what SQLite threw, if a group was lost since the mark
   */
  async durable(mark = this.#failures): Promise<void> {
    if (this.#synced < this.#written) await this.#walSync.request();
    else if (this.#db.isTransaction) await this.#ended.promise;
    if (this.#failures > mark) throw this.#failure;
  }

  async #syncWal(): Promise<void> {
    this.commit();
    const written = this.#written;
    this.#wal ??= Deno.openSync(`${this.path}-wal`, { write: true });
    await this.#wal.syncData();
    this.#synced = written;
  }

  close(): void {
    this.commitQuietly();
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
