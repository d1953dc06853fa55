/** The header on page 1 of a database, https://www.sqlite.org/fileformat2.html#the_database_header */
import { isPageSize } from "./wal_format.ts";

export const HEADER_SIZE = 100;
const MAGIC = "SQLite format 3\0";
const ROLLBACK_MODE = 1;
const UTF8 = 1;

export interface DatabaseHeader {
  /** Bytes. */
  pageSize: number;
  /** Goes up with every transaction in rollback mode. */
  changeCounter: number;
  isRollbackMode: boolean;
  /** Text is stored as UTF-8, as nearly everywhere; else as UTF-16. */
  isUtf8: boolean;
}

/** @returns null when it is no database */
export function parseDatabaseHeader(bytes: Uint8Array): DatabaseHeader | null {
  if (bytes.length < HEADER_SIZE || String.fromCharCode(...bytes.subarray(0, 16)) !== MAGIC) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const size = view.getUint16(16);
  const pageSize = size === 1 ? 65536 : size;
  if (!isPageSize(pageSize)) return null;
  return {
    pageSize,
    changeCounter: view.getUint32(24),
    isRollbackMode: bytes[18] === ROLLBACK_MODE,
    isUtf8: view.getUint32(56) <= UTF8,
  };
}

/**
 * Page 1 as that of a database without a write-ahead log, so that SQLite looks for none.
 * @param generation stands for the change counter: SQLite forgets its pages when it is another one
 * @param pageCount size of the database in pages; null leaves what is there
 */
export function presentPageOne(page: Uint8Array, generation: number, pageCount: number | null): void {
  const view = new DataView(page.buffer, page.byteOffset);
  page[18] = page[19] = ROLLBACK_MODE;
  const countHolds = pageCount !== null || view.getUint32(24) === view.getUint32(92);
  view.setUint32(24, generation);
  view.setUint32(92, countHolds ? generation : generation - 1);
  if (pageCount !== null) view.setUint32(28, pageCount);
}
