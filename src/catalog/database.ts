/** Opens the catalog's SQLite file and runs whole transactions on it. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { SyncError } from "../kit/errors.ts";
import { migrate } from "./migrations.ts";

export type Row = Record<string, unknown>;

/** A connection with what the stores need: rows, statements, transactions that roll back on a throw. */
export class CatalogDatabase {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Changes that go with the next one. */
  readonly #later: Later[] = [];
  #noting: Promise<void> | undefined;
  #depth = 0;
  #syncs: "FULL" | "NORMAL" = "FULL";

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Opens or creates the catalog; WAL with full sync, so that a commit survives SIGKILL and power loss.
   * @throws SyncError `catalog_unusable` (damaged, not writable), `catalog_newer`
   */
  static open(path: string): CatalogDatabase {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(path, { timeout: 10_000, enableForeignKeyConstraints: true });
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8000");
      migrate(db, path);
      return new CatalogDatabase(db);
    } catch (e) {
      db?.close();
      throw e instanceof SyncError ? e : unusable(e, `cannot open ${path}`);
    }
  }

  // All of these throw SyncError of class local: `catalog_unusable` when the file is damaged, `disk_full`.

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return usable(() => this.#prepare(sql).all(...values));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return usable(() => this.#prepare(sql).get(...values));
  }

  /** Runs one statement and returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    this.#sync("FULL");
    return this.#withLater(() => this.#change(sql, values));
  }

  /**
   * Runs one statement that survives the death of the process at once, but a power cut only with the next commit: for what
   * can be found out again, such as hashes and the progress of a running item.
   */
  note(sql: string, ...values: SQLInputValue[]): void {
    this.#sync("NORMAL");
    this.#withLater(() => this.#change(sql, values));
  }

  /**
   * A change that is written together with the next one, and before it: for what a process that dies may well forget, such
   * as what it finds again. Every commit costs more than the statements in it.
   * @param subjects whoever reads one of them calls {@link settle} first
   */
  later(subjects: readonly string[], sql: string, ...values: SQLInputValue[]): void {
    if (this.#depth > 0) return void this.#change(sql, values);
    this.#later.push({ subjects, sql, values });
    if (this.#later.length >= MOST_LATER) this.settle();
  }

  /** Writes what is to be written later, if it concerns the subject; everything when none is given. */
  settle(subject?: string): void {
    const isConcerned = subject === undefined
      ? this.#later.length > 0
      : this.#later.some((change) => change.subjects.includes(subject));
    if (!isConcerned) return;
    this.#sync("NORMAL");
    this.#withLater(() => {});
  }

  /** Resolves once what is to be written later is written, that of one turn of the event loop together. */
  noted(): Promise<void> {
    if (this.#later.length === 0) return Promise.resolve();
    return this.#noting ??= new Promise((resolve, reject) =>
      setImmediate(() => {
        this.#noting = undefined;
        try {
          this.settle();
          resolve();
        } catch (e) {
          reject(e);
        }
      })
    );
  }

  /** Inserts one row and returns its id. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    this.#sync("FULL");
    return this.#withLater(() => Number(usable(() => this.#prepare(sql).run(...values).lastInsertRowid)));
  }

  /** Runs `work` in one transaction; nested calls join the outer one. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#sync("FULL");
    return this.#commit(work);
  }

  /** One statement, alone or behind those that waited for it. */
  #withLater<T>(work: () => T): T {
    return this.#depth > 0 || this.#later.length === 0 ? work() : this.#commit(work);
  }

  #commit<T>(work: () => T): T {
    usable(() => this.#prepare("BEGIN IMMEDIATE").run());
    this.#depth++;
    try {
      const before = this.#later.length;
      for (const { sql, values } of this.#later) this.#change(sql, values);
      const result = work();
      usable(() => this.#prepare("COMMIT").run());
      // They stay when this fails: whoever needs them tries again.
      this.#later.splice(0, before);
      return result;
    } catch (e) {
      // A full disk has rolled back already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw e;
    } finally {
      this.#depth--;
    }
  }

  close(): void {
    try {
      this.settle();
    } catch {
      // A disk that is full: it is found again.
    }
    this.#statements.clear();
    this.#db.close();
  }

  #change(sql: string, values: SQLInputValue[]): number {
    return Number(usable(() => this.#prepare(sql).run(...values).changes));
  }

  /** Whether the next commit waits for the disk; inside a transaction that is decided already. */
  #sync(level: "FULL" | "NORMAL"): void {
    if (this.#depth > 0 || this.#syncs === level) return;
    usable(() => this.#db.exec(`PRAGMA synchronous = ${level}`));
    this.#syncs = level;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      // Those of one life are few; should some be built of values after all, they must not pile up.
      if (this.#statements.size >= KEPT_STATEMENTS) this.#statements.clear();
      this.#statements.set(sql, statement = this.#db.prepare(sql));
    }
    return statement;
  }
}

interface Later {
  subjects: readonly string[];
  sql: string;
  values: SQLInputValue[];
}

const KEPT_STATEMENTS = 200;
const MOST_LATER = 64;

/** What happens to the file and not because of a statement of ours (https://www.sqlite.org/rescode.html). */
const OUTSIDE =
  /malformed|not a database|disk is full|disk I\/O error|readonly database|unable to open|is locked/i;

/** Runs a call of SQLite. */
function usable<T>(call: () => T): T {
  try {
    return call();
  } catch (e) {
    throw OUTSIDE.test(messageOf(e)) ? unusable(e, "the catalog cannot be used") : e;
  }
}

function unusable(cause: unknown, what: string): SyncError {
  const message = `${what}: ${messageOf(cause)}`;
  if (/disk is full/.test(message)) {
    return new SyncError("local", "disk_full", message, {
      cause,
      hint: "Free space on the disk that holds etiket-sync's data folder.",
    });
  }
  return new SyncError("local", "catalog_unusable", message, {
    cause,
    hint:
      "Check that the disk is not full and the folder is writable; a damaged catalog can be moved away: " +
      "datasets are found again by their ids.",
  });
}

function messageOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}
