/** The complete records of a growing text table, read once each. */
import fs from "node:fs";
import { csvError } from "../../../src/kit/csv/csv_error.ts";
import { readRecords } from "../../../src/kit/csv/csv_records.ts";
import { type CsvEncoding, encodingOf } from "../../../src/kit/csv/csv_text.ts";
import { detectDelimiter } from "../../../src/kit/csv/delimiter.ts";
import { SyncError } from "../../../src/kit/errors.ts";
import { reading } from "../../../src/kit/file_failures.ts";
import { type ExactStat, statExact } from "../../../src/kit/fingerprint.ts";

const PIECE_BYTES = 256 * 1024;
/** A record that is longer than this is none. */
const LONGEST_RECORD = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface TableRecords {
  records: string[][];
  /** More complete records may follow at once. */
  more: boolean;
}

export class TableText {
  #encoding: CsvEncoding | undefined;
  #delimiter: string | undefined;
  #first: ExactStat | undefined;
  #offset = 0;
  #piece = PIECE_BYTES;

  constructor(readonly path: string) {}

  /** Size and time that are compared to see whether anything is new. */
  stat(): ExactStat {
    return reading(this.path, () => statExact(this.path, true));
  }

  /** Whether the file is another one, or was written from its begin. */
  isOther(stat: ExactStat): boolean {
    return this.#first !== undefined && (stat.file_id !== this.#first.file_id || stat.size < this.#offset);
  }

  /**
   * Complete records behind the last ones; what has no newline yet stays for later.
   * @throws SyncError `csv_not_text`, `csv_record_too_long`, `file_unreadable`
   */
  next(stat: ExactStat): TableRecords {
    this.#first ??= stat;
    const left = stat.size - this.#offset;
    if (left <= 0) return { records: [], more: false };
    this.#encoding ??= encodingOf(this.path);
    const bytes = this.#read(Math.min(left, this.#piece));
    const end = this.#lastNewline(bytes);
    const records = end > 0 ? this.#recordsOf(bytes.subarray(0, end)) : undefined;
    if (!records) {
      if (this.#piece >= LONGEST_RECORD) {
        throw csvError(
          "csv_record_too_long",
          this.path,
          0,
          "a record without end",
          "Check that it is a table.",
        );
      }
      // A long record is read together with what follows it.
      if (left > this.#piece) this.#piece *= 2;
      return { records: [], more: left > bytes.length };
    }
    this.#offset += end;
    this.#piece = PIECE_BYTES;
    return { records, more: left > bytes.length };
  }

  /** Undefined when the last quoted field goes on behind the end. */
  #recordsOf(bytes: Uint8Array): string[][] | undefined {
    const text = this.#decode(bytes).replace(/\r\n?/g, "\n");
    this.#delimiter ??= detectDelimiter(text);
    const records: string[][] = [];
    try {
      readRecords([text], this.#delimiter, this.path, (fields) => records.push([...fields]));
    } catch (e) {
      if (e instanceof SyncError && e.code === "csv_unclosed_quote") return undefined;
      throw e;
    }
    return records;
  }

  #decode(bytes: Uint8Array): string {
    const encoding = this.#encoding ?? "utf-8";
    try {
      return new TextDecoder(encoding, { fatal: true, ignoreBOM: this.#offset > 0 }).decode(bytes);
    } catch {
      if (encoding !== "utf-8") {
        throw csvError("csv_not_text", this.path, 0, `is not ${encoding}`, "Save it as UTF-8.");
      }
      // As the converter does: what is not UTF-8 is Windows-1252.
      this.#encoding = "windows-1252";
      return new TextDecoder("windows-1252").decode(bytes);
    }
  }

  /** Position behind the last newline; 0 without one. */
  #lastNewline(bytes: Uint8Array): number {
    const encoding = this.#encoding;
    if (encoding !== "utf-16le" && encoding !== "utf-16be") return bytes.lastIndexOf(NEWLINE) + 1;
    const low = encoding === "utf-16le" ? 0 : 1;
    for (let at = (bytes.length & ~1) - 2; at >= 0; at -= 2) {
      if (bytes[at + low] === NEWLINE && bytes[at + 1 - low] === 0) return at + 2;
    }
    return 0;
  }

  #read(length: number): Uint8Array {
    const bytes = new Uint8Array(length), offset = this.#offset;
    const handle = reading(this.path, () => fs.openSync(this.path, "r"));
    try {
      return bytes.subarray(0, reading(this.path, () => fs.readSync(handle, bytes, 0, length, offset)));
    } finally {
      fs.closeSync(handle);
    }
  }
}
