/** Whether what was read of a database belongs to the committed state that was meant. */
import { isHotJournal } from "../database_state.ts";
import { ChangedPages } from "./changed_pages.ts";
import { HEADER_SIZE, parseDatabaseHeader } from "./database_header.ts";
import { type FileStamp, fileStamp, type ReadOnlyFile, sameStamp } from "./read_only_file.ts";
import { NOT_UNDERSTOOD, RollbackJournal } from "./rollback_journal.ts";

/** Two writes within this time may leave the same mtime, ms. */
export const MTIME_TICK = 20;
/** The log tells what changed only while its frames last, so it is asked so often during a read, ms. */
const ASK_EVERY = 20;
/** A clock costs as much as a page: it is looked at once in so many. */
const PAGES_PER_LOOK = 32;

export class StateCheck {
  /** Pages read from the database file, and not known to belong to the state yet. */
  readonly #open = new Set<number>();
  /** Frames of the log were read since the last check. */
  #framesRead = false;
  #holds = true;
  #traced = true;
  readonly #settled: boolean;
  /** When it was asked last; the first pages, which every commit may change, are soon known to be good. */
  #asked = -Infinity;
  #pages = 0;

  /**
   * @param stamp of the database file, and `changeCounter` of its header, when the state was taken
   * @param overlay follows the log of the state, or is the journal of a transaction that has not ended; null for a
   *   database at rest
   */
  constructor(
    readonly main: ReadOnlyFile,
    readonly stamp: FileStamp,
    readonly changeCounter: number,
    readonly overlay: ChangedPages | RollbackJournal | null,
  ) {
    const age = Date.now() - Number(stamp.mtime / 1_000_000n);
    this.#settled = age < 0 || age >= MTIME_TICK;
  }

  /** Notes that a page is read from the database file. */
  notePage(page: number): void {
    this.#open.add(page);
    this.#pages++;
  }

  /** Notes that a frame of the log is read. */
  noteFrame(): void {
    this.#framesRead = true;
    this.#pages++;
  }

  /** Asks again, when it is time, whether the state still holds. */
  stillHolds(): boolean {
    if (this.#pages < PAGES_PER_LOOK) return this.#holds;
    this.#pages = 0;
    return performance.now() - this.#asked < ASK_EVERY ? this.#holds : this.holds(true);
  }

  /**
   * Whether everything that was read until now belongs to the state.
   * @param goesOn more will be read of it
   */
  holds(goesOn = false): boolean {
    if (!this.#holds) return false;
    this.#holds = this.overlay instanceof ChangedPages
      ? this.#holdsByLog(this.overlay, goesOn)
      : this.overlay
      ? this.#holdsByJournal(this.overlay)
      : this.#isAtRest();
    this.#open.clear();
    this.#framesRead = false;
    this.#asked = performance.now();
    return this.#holds;
  }

  #holdsByLog(changes: ChangedPages, goesOn: boolean): boolean {
    if (this.#framesRead && !changes.isSameGeneration()) return false;
    const isUntouched = this.#settled && this.#isUntouched();
    if (isUntouched && !goesOn) return true;
    // Followed even where it is not needed yet, for the log may begin again before the next time.
    this.#traced &&= changes.collect();
    if (isUntouched) return true;
    return this.#open.size === 0 || this.#traced && this.#open.isDisjointFrom(changes.pages);
  }

  /** A page is in the journal before it is overwritten. */
  #holdsByJournal(journal: RollbackJournal): boolean {
    if (this.#settled && this.#isUntouched()) return true;
    const now = RollbackJournal.open(journal.file.path, this.main.meter);
    if (now === null || now === NOT_UNDERSTOOD) return false;
    using _ = now;
    return now.identity === journal.identity && ![...this.#open].some((page) => now.has(page));
  }

  #isUntouched(): boolean {
    return sameStamp(fileStamp(this.main.path), this.stamp);
  }

  /**
   * Nothing was committed or begun in the database file. Only rollback mode counts its commits, so that without it the
   * file must be old enough to show them.
   */
  #isAtRest(): boolean {
    if (!this.#isUntouched() || isHotJournal(`${this.main.path}-journal`)) return false;
    const bytes = new Uint8Array(HEADER_SIZE);
    this.main.readAt(bytes, 0);
    const header = parseDatabaseHeader(bytes);
    return header?.changeCounter === this.changeCounter && (header.isRollbackMode || this.#settled);
  }
}
