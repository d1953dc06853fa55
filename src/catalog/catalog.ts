/** The agent's memory: one SQLite file, its tables grouped into stores. */
import { ConversionCache, HashCache } from "./caches.ts";
import { CatalogDatabase } from "./database.ts";
import { ErrorStore } from "./errors.ts";
import { FolderIndex } from "./folder_index.ts";
import { FileVersionStore } from "./file_versions.ts";
import { ItemIntake } from "./item_intake.ts";
import { ItemQueue } from "./item_queue.ts";
import { ItemStore } from "./items.ts";
import { LookStore } from "./looks.ts";
import { MappingStore } from "./mappings.ts";
import { RelocationStore } from "./relocations.ts";
import { SourceStore } from "./sources.ts";
import { UploadStore } from "./uploads.ts";

/** Name of the fact that the user stopped the agent (L19). */
export const AGENT_STOPPED = "agent_stopped";

export class Catalog {
  readonly sources: SourceStore;
  readonly items: ItemStore;
  readonly intake: ItemIntake;
  readonly queue: ItemQueue;
  readonly relocations: RelocationStore;
  readonly looks: LookStore;
  readonly folders: FolderIndex;
  readonly fileVersions: FileVersionStore;
  readonly mappings: MappingStore;
  readonly errors: ErrorStore;
  readonly hashes: HashCache;
  readonly conversions: ConversionCache;
  readonly uploads: UploadStore;

  private constructor(private readonly db: CatalogDatabase) {
    this.sources = new SourceStore(db);
    this.items = new ItemStore(db);
    this.intake = new ItemIntake(db);
    this.queue = new ItemQueue(db);
    this.relocations = new RelocationStore(db);
    this.looks = new LookStore(db);
    this.folders = new FolderIndex(db);
    this.fileVersions = new FileVersionStore(db);
    this.mappings = new MappingStore(db);
    this.errors = new ErrorStore(db);
    this.hashes = new HashCache(db);
    this.conversions = new ConversionCache(db);
    this.uploads = new UploadStore(db);
  }

  /** Opens or creates the catalog at `path`; see {@link CatalogDatabase.open} for errors. */
  static open(path: string): Catalog {
    return new Catalog(CatalogDatabase.open(path));
  }

  /** A catalog on a database that was opened already, such as one whose calls fail when a test wants it. */
  static on(db: CatalogDatabase): Catalog {
    return new Catalog(db);
  }

  /** Runs `work` in one transaction that rolls back on a throw. */
  transaction<T>(work: () => T): T {
    return this.db.transaction(work);
  }

  /** Resolves once hashes and file versions that were put are written, those of one turn of the event loop together. */
  noted(): Promise<void> {
    return this.db.noted();
  }

  /** A remembered fact such as the machine id, made on first use. */
  fact(key: string, make: () => string): string {
    return this.db.transaction(() => {
      const known = this.db.get("SELECT value FROM facts WHERE key = ?", key);
      if (known) return String(known.value);
      const value = make();
      this.db.run("INSERT INTO facts VALUES (?, ?)", key, value);
      return value;
    });
  }

  /** A fact that was set, or undefined. */
  getFact(key: string): string | undefined {
    const value = this.db.get("SELECT value FROM facts WHERE key = ?", key)?.value;
    return value === undefined ? undefined : String(value);
  }

  /** Sets a fact, or takes it away. */
  setFact(key: string, value: string | null): void {
    if (value === null) this.db.run("DELETE FROM facts WHERE key = ?", key);
    else this.db.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", key, value);
  }

  /** Runs `work`; what its statements replace or delete stays nowhere in the catalog's files. */
  overwriting(work: () => void): void {
    this.db.get("PRAGMA secure_delete = ON");
    try {
      work();
    } finally {
      this.db.get("PRAGMA secure_delete = OFF");
      this.db.get("PRAGMA wal_checkpoint(TRUNCATE)");
    }
  }

  /** Changes whenever another connection, such as a command of the user, has changed the catalog. */
  get foreignVersion(): number {
    return Number(this.db.get("PRAGMA data_version")?.data_version);
  }

  /** Number of discovery rounds ever made. */
  get iteration(): number {
    return Number(this.getFact("iteration") ?? 0);
  }

  /** Raises and returns the number of discovery rounds ever made. */
  nextIteration(): number {
    return this.db.transaction(() => {
      this.db.run(
        "INSERT INTO facts VALUES ('iteration','1') ON CONFLICT (key) DO UPDATE SET value = value + 1",
      );
      return Number(this.db.get("SELECT value FROM facts WHERE key = 'iteration'")?.value);
    });
  }

  /** Copies everything into a new file, for a run that must leave no trace. */
  copyTo(path: string): void {
    this.db.settle();
    this.db.run("VACUUM INTO ?", path);
  }

  /** @returns "ok" or SQLite's first complaint */
  integrity(): string {
    return String(Object.values(this.db.get("PRAGMA quick_check") ?? { none: "no answer" })[0]);
  }

  close(): void {
    this.db.close();
  }
}
