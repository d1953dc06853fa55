/** Real catalogs on a file system in memory, whose calls fail or never come back. */
import { existsSync } from "node:fs";
import { Catalog } from "../../src/catalog/catalog.ts";
import { CatalogDatabase } from "../../src/catalog/database.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { Life } from "./life.ts";

/** Where the catalogs of a simulation lie. */
export class CatalogShelf {
  readonly #folder: string;
  readonly #empty: Uint8Array;
  #count = 0;
  #open: { db: CatalogDatabase; path: string } | undefined;
  /** Size of the log up to the last commit that waited for the disk. */
  #durable: number | undefined;

  constructor() {
    let dir: string | undefined = "/dev/shm";
    try {
      Deno.statSync(dir);
    } catch {
      dir = undefined;
    }
    this.#folder = Deno.makeTempDirSync({ prefix: "simulated-catalogs-", ...(dir ? { dir } : {}) });
    const path = `${this.#folder}/empty.db`;
    Catalog.open(path).close();
    this.#empty = Deno.readFileSync(path);
  }

  /** Puts an empty catalog on the shelf. */
  reset(): void {
    this.close();
    Deno.writeFileSync(this.#next(), this.#empty);
  }

  /** Opens the catalog as the last life left it. */
  open(life: Life): Catalog {
    const path = this.#path;
    const db = CatalogDatabase.open(path);
    // The log grows from commit to commit, so that it can be cut where the power was.
    db.run("PRAGMA wal_autocheckpoint = 0");
    this.#open = { db, path };
    this.#durable = undefined;
    return Catalog.on(this.#hooked(db, life));
  }

  /** A command of the user, which works on the catalog from a process of its own. */
  command(work: (catalog: Catalog) => void): void {
    const db = CatalogDatabase.open(this.#path);
    db.run("PRAGMA wal_autocheckpoint = 0");
    work(Catalog.on(db));
    db.close();
    this.#durable = undefined;
  }

  /** The agent died: the next one finds what was written, after a power cut what had reached the disk. */
  leave(life: Life): void {
    if (!this.#open) return;
    const { db, path } = this.#open;
    this.#open = undefined;
    if (!life.dead) return db.close();
    const next = this.#next();
    Deno.copyFileSync(path, next);
    const log = `${path}-wal`;
    if (existsSync(log)) {
      Deno.copyFileSync(log, `${next}-wal`);
      if (life.powerCut && this.#durable !== undefined) Deno.truncateSync(`${next}-wal`, this.#durable);
    }
    db.close();
    remove(path);
  }

  close(): void {
    this.#open?.db.close();
    this.#open = undefined;
    remove(this.#path);
  }

  /** Removes everything. */
  dispose(): void {
    this.close();
    Deno.removeSync(this.#folder, { recursive: true });
  }

  get #path(): string {
    return `${this.#folder}/${this.#count}.db`;
  }

  #next(): string {
    this.#count++;
    return this.#path;
  }

  /** Calls that change something are operations, and so is their having been done. */
  #hooked(db: CatalogDatabase, life: Life): CatalogDatabase {
    let depth = 0;
    const log = `${this.#path}-wal`;
    const changing = (name: string, work: (...args: unknown[]) => unknown) => (...args: unknown[]) => {
      life.guard();
      const what = name === "transaction" ? name : `${name} ${brief(args[0])}`;
      const fault = life.operation({ kind: "catalog", what });
      if (fault === "ENOSPC") throw local("disk_full", "database or disk is full");
      if (fault === "EIO") throw local("catalog_unusable", "disk I/O error");
      if (name === "note" && depth === 0) this.#durable ??= existsSync(log) ? Deno.statSync(log).size : 0;
      const outermost = depth === 0;
      const result = work(...args);
      if (outermost) {
        if (name !== "note") this.#durable = undefined;
        life.operation({ kind: "committed", what });
      }
      return result;
    };
    const methods = {
      run: changing("run", (sql, ...values) => db.run(sql as string, ...values as [])),
      note: changing("note", (sql, ...values) => db.note(sql as string, ...values as [])),
      later: (subjects: string[], sql: string, ...values: []) => {
        life.guard();
        if (depth === 0) this.#durable ??= existsSync(log) ? Deno.statSync(log).size : 0;
        db.later(subjects, sql, ...values);
      },
      // At once: in a history of virtual time there are no turns of the event loop.
      noted: () => Promise.try(() => void changing("note", () => db.settle())()),
      settle: (subject?: string) => {
        life.guard();
        if (depth === 0) this.#durable ??= existsSync(log) ? Deno.statSync(log).size : 0;
        db.settle(subject);
      },
      insert: changing("insert", (sql, ...values) => db.insert(sql as string, ...values as [])),
      transaction: (work: () => unknown) =>
        depth > 0 ? work() : changing("transaction", () =>
          db.transaction(() => {
            depth++;
            try {
              return work();
            } finally {
              depth--;
            }
          }))(),
      get: (sql: string, ...values: []) => {
        life.guard();
        return db.get(sql, ...values);
      },
      all: (sql: string, ...values: []) => {
        life.guard();
        return db.all(sql, ...values);
      },
      close() {},
    };
    return methods as unknown as CatalogDatabase;
  }
}

function local(code: string, message: string): SyncError {
  return new SyncError("local", code, `the catalog cannot be used: ${message}`, { hint: "Free space." });
}

function brief(sql: unknown): string {
  return String(sql).replaceAll(/\s+/g, " ").slice(0, 40);
}

function remove(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      Deno.removeSync(path + suffix);
    } catch {
      // It was never made.
    }
  }
}
