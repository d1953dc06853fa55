/**
 * Somebody else's database where it lies, as one committed state: the pages of the database file, and over them those of
 * its write-ahead log or rollback journal. No lock is taken and nothing opened for writing; whether the state held is
 * found out afterwards.
 */
import { SyncError } from "../../errors.ts";
import { changeProbe } from "./change_probe.ts";
import { ChangedPages } from "./changed_pages.ts";
import { HEADER_SIZE, parseDatabaseHeader, presentPageOne } from "./database_header.ts";
import { MainPages } from "./main_pages.ts";
import { PageCache } from "./page_cache.ts";
import { ReadOnlyFile } from "./read_only_file.ts";
import { NOT_UNDERSTOOD, RollbackJournal } from "./rollback_journal.ts";
import { sharedLastFrame } from "./shared_index.ts";
import { StateCheck } from "./state_check.ts";
import {
  FRAME_HEADER_SIZE,
  framePosition,
  parseFrameHeader,
  sameSalts,
  type WalHeader,
} from "./wal_format.ts";
import { readWalHeader, WalIndex } from "./wal_index.ts";

/** Bytes behind the last commit from which on they are not read again at every look. */
const LARGE_TRANSACTION = 1 << 20;
/** A log that was written to within this time has a writer that keeps the shared index, ms. */
const LIVE_WRITER = 2000;

export class CommittedDatabase implements Disposable {
  bytesRead = 0;
  /** Another number for every other state. */
  generation = 1;
  readonly #cache: PageCache;
  #index: WalIndex | null = null;
  /** What the state is known by from one read to the next. */
  #identity = "";
  #open: OpenState | null = null;
  /** Of the last state that held. */
  #probe: string | null = null;

  /** @param cacheBytes how much may be kept in memory, also from one state to the next */
  constructor(readonly path: string, cacheBytes: number) {
    this.#cache = new PageCache(cacheBytes);
  }

  /**
   * Takes the newest committed state.
   * @returns false when it cannot be told from the outside: the journal mode is being changed, or a transaction spans
   *   several databases
   * @throws SyncError `sqlite_missing`, `sqlite_unreadable` (class source), `sqlite_not_a_database` (class data)
   */
  begin(): boolean {
    this.end();
    const probe = changeProbe(this.path, this);
    const main = ReadOnlyFile.open(this.path, this);
    if (!main) throw missing(this.path);
    using files = new DisposableStack();
    files.use(main);
    const stamp = main.stamp();
    const journal = RollbackJournal.open(`${this.path}-journal`, this);
    if (journal === NOT_UNDERSTOOD) return false;
    if (journal) files.use(journal);
    const log = ReadOnlyFile.openIfThere(`${this.path}-wal`, this);
    if (log) files.use(log);
    const bytes = new Uint8Array(HEADER_SIZE);
    const header = main.readAt(bytes, 0) === HEADER_SIZE ? parseDatabaseHeader(bytes) : null;
    if (!header) throw notADatabase(this.path);

    const changes = log && this.#takeLog(log, stamp.id);
    // Seen only when the journal mode is being changed.
    if (changes && journal) return false;
    if (journal) this.#recognize(`${stamp.id} ${journal.identity}`);
    else if (!changes) this.#recognize(`${stamp.id} ${stamp.size} ${stamp.mtime} ${header.changeCounter}`);
    const pageSize = this.#index?.header.pageSize ?? journal?.header.pageSize ?? header.pageSize;
    const pageCount = this.#index?.lastFrame ? this.#index.pageCount : journal?.header.pageCount;
    this.#open = {
      probe,
      files: files.move(),
      log,
      journal,
      pageSize,
      size: pageCount === undefined ? stamp.size : pageCount * pageSize,
      pages: new MainPages(main, pageSize),
      check: new StateCheck(main, stamp, header.changeCounter, changes ?? journal),
    };
    return true;
  }

  /** Brings the index of the log up to date; null when there is nothing of use in it. */
  #takeLog(log: ReadOnlyFile, database: string): ChangedPages | null {
    for (;;) {
      const header = readWalHeader(log);
      if (!header) return null;
      this.#recognize(`${database} ${log.stamp().id} ${header.salt1} ${header.salt2}`);
      const index = this.#index ??= new WalIndex(header);
      const before = index.lastFrame;
      if (!this.#isStillOpen(index, log)) {
        index.extend(log, (page, content) => {
          if (content) this.#cache.put(page, content);
          else this.#cache.delete(page);
        });
      }
      if (index.lastFrame !== before) this.generation++;
      const changes = new ChangedPages(log, header, index.lastFrame);
      if (changes.isSameGeneration()) return changes;
    }
  }

  /** Whether a large transaction still goes on, so that its frames need not be read from the first again. */
  #isStillOpen(index: WalIndex, log: ReadOnlyFile): boolean {
    if (index.openFrames * index.header.pageSize < LARGE_TRANSACTION) return false;
    const age = Date.now() - Number(log.stamp().mtime / 1_000_000n);
    return age < LIVE_WRITER && sharedLastFrame(`${this.path}-shm`, index.header, this) === index.lastFrame;
  }

  /** Forgets what is known when the state does not continue it. */
  #recognize(identity: string): void {
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.#index = null;
    this.#cache.clear();
    this.generation++;
  }

  get #state(): OpenState {
    if (!this.#open) throw new Error("no state was taken");
    return this.#open;
  }

  /** Bytes of the database. */
  get size(): number {
    return this.#state.size;
  }

  /** Text is UTF-8, as nearly everywhere. */
  get isUtf8(): boolean {
    return parseDatabaseHeader(this.#page(1))?.isUtf8 ?? true;
  }

  /**
   * Fills `bytes` with what is at `position`, within one page.
   * @throws Error when the state is lost
   */
  read(bytes: Uint8Array, position: number): void {
    const { pageSize } = this.#state;
    const page = Math.floor(position / pageSize) + 1;
    const content = page === 1 ? this.#pageOne() : this.#page(page);
    const within = position % pageSize;
    bytes.set(content.subarray(within, within + bytes.length));
  }

  /** All pages in order, only lent; ends early when the state is lost. */
  *pages(): Generator<Uint8Array> {
    const page = new Uint8Array(this.#state.pageSize);
    for (let at = 0; at < this.size; at += page.length) {
      try {
        this.read(page, at);
      } catch (e) {
        if (!this.holds()) return;
        throw e;
      }
      yield page;
    }
  }

  #pageOne(): Uint8Array {
    const page = this.#page(1).slice();
    presentPageOne(page, this.generation, this.#index?.lastFrame ? this.#index.pageCount : null);
    return page;
  }

  #page(page: number): Uint8Array {
    const kept = this.#cache.get(page);
    if (kept) return kept;
    const { check, pages, journal } = this.#state;
    if (!check.stillHolds()) throw new Error("the state of the database is lost");
    const frame = this.#index?.frames.get(page);
    if (this.#index && frame !== undefined) return this.#frame(page, frame, this.#index.header);
    const original = journal?.page(page);
    if (original) return original;
    check.notePage(page);
    const inSequence = pages.inSequence(page);
    if (inSequence) return inSequence;
    const single = pages.single(page);
    this.#cache.put(page, single);
    return single;
  }

  #frame(page: number, frame: number, generation: WalHeader): Uint8Array {
    const { log, pageSize, check } = this.#state;
    check.noteFrame();
    const bytes = new Uint8Array(FRAME_HEADER_SIZE + pageSize);
    const length = log?.readAt(bytes, framePosition(frame, pageSize));
    const header = parseFrameHeader(bytes);
    if (length !== bytes.length || header.page !== page || !sameSalts(header, generation)) {
      throw new Error("the log of the database began again");
    }
    const content = bytes.subarray(FRAME_HEADER_SIZE);
    this.#cache.put(page, content);
    return content;
  }

  /** Whether everything that was read since {@link begin} belongs to the state; what does not is forgotten. */
  holds(): boolean {
    const holds = this.#state.check.holds();
    if (holds) this.#probe = this.#state.probe;
    else this.#recognize("");
    return holds;
  }

  /** Whether another state than that of the last read that held may be there. */
  changed(): boolean {
    return this.#probe === null || changeProbe(this.path, this) !== this.#probe;
  }

  /** Closes the files. */
  end(): void {
    this.#open?.files.dispose();
    this.#open = null;
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** The files of a state that is being read. */
interface OpenState {
  /** Taken before it. */
  probe: string | null;
  files: DisposableStack;
  log: ReadOnlyFile | null;
  journal: RollbackJournal | null;
  pageSize: number;
  size: number;
  pages: MainPages;
  check: StateCheck;
}

function missing(path: string): SyncError {
  return new SyncError("source", "sqlite_missing", `${path} does not exist`, {
    hint: "Check that the drive is connected and that the database was not moved.",
  });
}

function notADatabase(path: string): SyncError {
  return new SyncError("data", "sqlite_not_a_database", `${path} is not an SQLite database`, {
    hint: "Check that the path names the right file.",
  });
}
