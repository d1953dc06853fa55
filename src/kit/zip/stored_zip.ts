/**
 * Writes zip archives without compression, byte-identical for equal content (PKWARE APPNOTE 6.3.10).
 *
 * Written here since none of the libraries does it for the many small files of a Zarr store: client-zip writes no
 * zip64 end record for more than 65,535 entries, yazl takes quadratic time, zip.js 1.3 ms and 10 kB per entry.
 */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import { crc32 } from "node:zlib";
import { SyncError } from "../errors.ts";
import { reading, writing } from "../file_failures.ts";

const LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50;
const ZIP64_END = 0x06064b50, ZIP64_LOCATOR = 0x07064b50, ZIP64_EXTRA = 1;
/** Zip 4.5 knows zip64; made on Unix, so that modes are meant. */
const VERSION = 45, MADE_BY = 3 << 8 | VERSION;
const UTF8_NAMES = 1 << 11;
/** 1980-01-01 00:00, the first time that zip knows. */
const DATE = 1 << 5 | 1;
/** A regular file, rw-r--r--. */
const ATTRIBUTES = 0o100644 * 2 ** 16;
const MAX16 = 0xffff, MAX32 = 0xffffffff;
const PIECE = 1 << 20;

/** An archive that is being written. Keeps about 50 bytes and the name per entry in memory. */
export class StoredZip {
  readonly #path: string;
  readonly #file: number;
  readonly #central: Buffer[] = [];
  readonly #piece = Buffer.allocUnsafe(PIECE);
  #entries = 0;
  #end = 0;

  /** @param path a file to be created */
  constructor(path: string) {
    this.#path = path;
    this.#file = writing(path, () => fs.openSync(path, "wx"));
  }

  /**
   * Adds the content of a file.
   * @param name path inside the archive, with `/`
   * @throws SyncError `zip_source_changed` (class busy) when the file grows over 4 GiB meanwhile
   */
  add(name: string, source: string): void {
    const file = reading(source, () => fs.openSync(source, "r"));
    try {
      const start = this.#end;
      const large = reading(source, () => fs.fstatSync(file).size) >= MAX32;
      const bytes = Buffer.from(name);
      if (bytes.length > MAX16) throw new RangeError(`name of ${bytes.length} bytes`);
      this.#end += localHeader(bytes, 0, 0, large).length;
      const { size, crc } = this.#copy(source, file);
      if (size >= MAX32 && !large) {
        throw new SyncError("busy", "zip_source_changed", `${source} grew while it was packed`, {
          hint: "It is packed again when it is quiet.",
        });
      }
      // Checksum and size come before the content, but are known after it.
      this.#write(localHeader(bytes, crc, size, large), start);
      this.#central.push(centralHeader(bytes, crc, size, start));
      this.#entries++;
    } finally {
      fs.closeSync(file);
    }
  }

  /** Writes the directory and closes the archive. */
  finish(): void {
    const start = this.#end;
    for (const header of this.#central) this.#append(header);
    this.#append(endRecords(this.#entries, start, this.#end - start));
    this.close();
  }

  /** Closes the file, finished or not. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fs.closeSync(this.#file);
  }
  #closed = false;

  #copy(source: string, file: number): { size: number; crc: number } {
    let size = 0, crc = 0;
    for (;;) {
      const n = reading(source, () => fs.readSync(file, this.#piece, 0, PIECE, null));
      if (n === 0) return { size, crc };
      const piece = this.#piece.subarray(0, n);
      crc = crc32(piece, crc);
      size += n;
      this.#append(piece);
    }
  }

  #append(bytes: Uint8Array): void {
    this.#write(bytes, this.#end);
    this.#end += bytes.length;
  }

  #write(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length;) {
      const from = done;
      done += writing(
        this.#path,
        () => fs.writeSync(this.#file, bytes, from, bytes.length - from, at + from),
      );
    }
  }
}

/** The fields that local and central header share, from the version on. */
function common(crc: number, size: number, nameLength: number, extraLength: number, large: boolean): Buffer {
  const b = Buffer.alloc(26);
  b.writeUInt16LE(VERSION, 0);
  b.writeUInt16LE(UTF8_NAMES, 2);
  // Method 0 (stored) at 4, time 0 at 6.
  b.writeUInt16LE(DATE, 8);
  b.writeUInt32LE(crc, 10);
  b.writeUInt32LE(large ? MAX32 : size, 14);
  b.writeUInt32LE(large ? MAX32 : size, 18);
  b.writeUInt16LE(nameLength, 22);
  b.writeUInt16LE(extraLength, 24);
  return b;
}

function localHeader(name: Buffer, crc: number, size: number, large: boolean): Buffer {
  const extra = large ? zip64Extra([size, size]) : Buffer.alloc(0);
  return Buffer.concat([u32(LOCAL), common(crc, size, name.length, extra.length, large), name, extra]);
}

function centralHeader(name: Buffer, crc: number, size: number, offset: number): Buffer {
  const large = size >= MAX32, far = offset >= MAX32;
  const extra = large || far
    ? zip64Extra([...large ? [size, size] : [], ...far ? [offset] : []])
    : Buffer.alloc(0);
  const made = Buffer.alloc(2), rest = Buffer.alloc(14);
  made.writeUInt16LE(MADE_BY);
  // Comment length 0, disk 0, internal attributes 0.
  rest.writeUInt32LE(ATTRIBUTES, 6);
  rest.writeUInt32LE(far ? MAX32 : offset, 10);
  const fields = common(crc, size, name.length, extra.length, large);
  return Buffer.concat([u32(CENTRAL), made, fields, rest, name, extra]);
}

function zip64Extra(values: number[]): Buffer {
  const b = Buffer.alloc(4 + 8 * values.length);
  b.writeUInt16LE(ZIP64_EXTRA, 0);
  b.writeUInt16LE(8 * values.length, 2);
  for (const [i, value] of values.entries()) b.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  return b;
}

/** The end of the archive; the zip64 records come first when a count or place needs them. */
function endRecords(entries: number, start: number, length: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(Math.min(entries, MAX16), 8);
  end.writeUInt16LE(Math.min(entries, MAX16), 10);
  end.writeUInt32LE(Math.min(length, MAX32), 12);
  end.writeUInt32LE(Math.min(start, MAX32), 16);
  if (entries < MAX16 && length < MAX32 && start < MAX32) return end;

  const large = Buffer.alloc(56), locator = Buffer.alloc(20);
  large.writeUInt32LE(ZIP64_END, 0);
  large.writeBigUInt64LE(44n, 4);
  large.writeUInt16LE(MADE_BY, 12);
  large.writeUInt16LE(VERSION, 14);
  large.writeBigUInt64LE(BigInt(entries), 24);
  large.writeBigUInt64LE(BigInt(entries), 32);
  large.writeBigUInt64LE(BigInt(length), 40);
  large.writeBigUInt64LE(BigInt(start), 48);
  locator.writeUInt32LE(ZIP64_LOCATOR, 0);
  locator.writeBigUInt64LE(BigInt(start + length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([large, locator, end]);
}

function u32(value: number): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(value);
  return b;
}
