/**
 * The pages that an open or broken transaction in rollback mode may have overwritten, as they were before it:
 * https://www.sqlite.org/fileformat2.html#the_rollback_journal
 */
import { isPageSize } from "./wal_format.ts";
import { type ReadMeter, ReadOnlyFile } from "./read_only_file.ts";

const MAGIC = "d9d505f920a163d7";
const HEADER_SIZE = 28;
/** A count of records that stands for all there are. */
const ALL = 0xffffffff;
/** The checksum of a record adds up every so manieth byte of its page. */
const CHECKSUM_STEP = 200;

interface JournalHeader {
  records: number;
  nonce: number;
  /** Pages of the database before the transaction. */
  pageCount: number;
  sectorSize: number;
  pageSize: number;
}

/** Tells that a journal holds a transaction, but in a way that only SQLite itself can undo. */
export const NOT_UNDERSTOOD = "not understood";

export class RollbackJournal implements Disposable {
  /** Content by page. */
  readonly #originals = new Map<number, number>();

  private constructor(readonly file: ReadOnlyFile, readonly header: JournalHeader) {}

  /** @returns null when no transaction is under way: there is no journal, or its header was zeroed or cut */
  static open(path: string, meter: ReadMeter): RollbackJournal | typeof NOT_UNDERSTOOD | null {
    using files = new DisposableStack();
    const file = ReadOnlyFile.openIfThere(path, meter);
    if (!file) return null;
    files.use(file);
    const { size } = file.stamp();
    const header = readHeader(file, 0);
    // A journal is at least a sector long.
    if (!header || size < 512) return null;
    const { pageSize, sectorSize } = header;
    const isSane = isPageSize(pageSize) && sectorSize >= 32 && sectorSize <= 65536;
    if (!isSane || namesSuperJournal(file, size)) return NOT_UNDERSTOOD;
    const journal = new RollbackJournal(file, header);
    journal.#readRecords(size);
    files.move();
    return journal;
  }

  /** Known by the random number that every transaction draws. */
  get identity(): string {
    return `journal ${this.header.nonce} ${this.header.pageCount}`;
  }

  has(page: number): boolean {
    return this.#originals.has(page);
  }

  /** The original of a page; null when the transaction cannot have overwritten it. */
  page(page: number): Uint8Array | null {
    const position = this.#originals.get(page);
    if (position === undefined) return null;
    const content = new Uint8Array(this.header.pageSize);
    this.file.readAt(content, position);
    return content;
  }

  /** Records follow a header up to its count; after a first part went into the database there is another header. */
  #readRecords(size: number): void {
    const { pageSize, sectorSize } = this.header;
    const record = new Uint8Array(4 + pageSize + 4);
    const view = new DataView(record.buffer);
    let header: JournalHeader | null = this.header;
    for (let at = sectorSize; header; at += sectorSize) {
      // A count of none is not written yet.
      const count: number = header.records === ALL || header.records === 0
        ? Math.floor((size - at) / record.length)
        : header.records;
      for (let i = 0; i < count; i++, at += record.length) {
        if (this.file.readAt(record, at) < record.length) return;
        const page = view.getUint32(0);
        if (page === 0 || view.getUint32(4 + pageSize) !== checksum(record, pageSize, header.nonce)) return;
        if (page <= this.header.pageCount && !this.has(page)) this.#originals.set(page, at + 4);
      }
      at = Math.ceil(at / sectorSize) * sectorSize;
      header = readHeader(this.file, at);
    }
  }

  [Symbol.dispose](): void {
    this.file[Symbol.dispose]();
  }
}

function readHeader(file: ReadOnlyFile, at: number): JournalHeader | null {
  const bytes = new Uint8Array(HEADER_SIZE);
  if (file.readAt(bytes, at) < HEADER_SIZE || bytes.subarray(0, 8).toHex() !== MAGIC) return null;
  const view = new DataView(bytes.buffer);
  return {
    records: view.getUint32(8),
    nonce: view.getUint32(12),
    pageCount: view.getUint32(16),
    sectorSize: view.getUint32(20),
    pageSize: view.getUint32(24),
  };
}

/** A transaction over several databases: whether it was committed is known by another file. */
function namesSuperJournal(file: ReadOnlyFile, size: number): boolean {
  const end = new Uint8Array(8);
  return file.readAt(end, size - end.length) === end.length && end.toHex() === MAGIC;
}

function checksum(record: Uint8Array, pageSize: number, nonce: number): number {
  let sum = nonce;
  for (let i = pageSize - CHECKSUM_STEP; i > 0; i -= CHECKSUM_STEP) sum += record[4 + i] ?? 0;
  return sum >>> 0;
}
