/** Turns rows into columns with bounded memory, through one temporary file. */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import { writing } from "../../src/kit/file_failures.ts";
import type { SlabSource, Values } from "../../src/kit/labelled.ts";
import { type ColumnDtype, floatOf } from "../../src/kit/csv/column_type.ts";

/** For messages. */
const SPOOL = "temporary file of the columns";
/** All columns together buffer about this much. */
const BUFFER_BYTES = 32 * 1024 * 1024;
const MIN_BLOCK = 4 * 1024, MAX_BLOCK = 256 * 1024;
/** Texts that repeat are kept once; of more distinct ones only these. */
const SHARED_TEXTS = 4096;

/** A stretch of the file that belongs to one column. */
interface Block {
  offset: number;
  bytes: number;
}

interface Column {
  dtype: ColumnDtype;
  buffer: Buffer;
  used: number;
  blocks: Block[];
}

/**
 * Takes rows, gives columns. Numbers are stored as 8 bytes, texts as their length (32 bits) and UTF-8 bytes, in
 * blocks per column, little-endian like every machine that Deno runs on.
 */
export class ColumnSpool {
  readonly #file: number;
  readonly #columns: Column[];
  #end = 0;

  /** @param path a file to be created */
  constructor(path: string, dtypes: ColumnDtype[]) {
    this.#file = writing(path, () => fs.openSync(path, "wx+"));
    const share = Math.floor(BUFFER_BYTES / dtypes.length / 8) * 8;
    const size = Math.min(MAX_BLOCK, Math.max(MIN_BLOCK, share));
    this.#columns = dtypes.map((dtype) => ({ dtype, buffer: Buffer.alloc(size), used: 0, blocks: [] }));
  }

  addRow(fields: string[]): void {
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i], field = fields[i] ?? "";
      if (column === undefined) continue;
      if (column.dtype === "text") this.#addText(column, field);
      else this.#addNumber(column, field);
    }
  }

  /** The values of a column in rising, contiguous ranges, once; a range is valid until the next one is read. */
  column(index: number): SlabSource {
    const column = this.#columns[index];
    if (column === undefined) throw new RangeError(`no column ${index}`);
    this.#flush(column);
    return column.dtype === "text"
      ? textSource(this.#file, column.blocks)
      : numberSource(this.#file, column.blocks, column.dtype);
  }

  close(): void {
    fs.closeSync(this.#file);
  }

  #addNumber(column: Column, field: string): void {
    if (column.used + 8 > column.buffer.length) this.#flush(column);
    const { buffer, used } = column;
    if (column.dtype === "f8") buffer.writeDoubleLE(floatOf(field), used);
    else if (field.length <= 15) {
      const value = Number(field);
      buffer.writeInt32LE(value | 0, used);
      buffer.writeInt32LE(Math.floor(value / 2 ** 32), used + 4);
    } else {
      const value = BigInt(field.trim().replace("+", ""));
      if (column.dtype === "i8") buffer.writeBigInt64LE(value, used);
      else buffer.writeBigUInt64LE(value, used);
    }
    column.used += 8;
  }

  #addText(column: Column, field: string): void {
    // Three bytes per UTF-16 unit at most.
    if (column.used + 4 + 3 * field.length > column.buffer.length) this.#flush(column);
    const target = 4 + 3 * field.length > column.buffer.length
      ? Buffer.alloc(4 + 3 * field.length)
      : column.buffer;
    const bytes = target.write(field, column.used + 4);
    target.writeUInt32LE(bytes, column.used);
    column.used += 4 + bytes;
    if (target !== column.buffer) this.#flush(column, target);
  }

  #flush(column: Column, buffer = column.buffer): void {
    if (column.used === 0) return;
    const bytes = column.used;
    for (let done = 0; done < bytes;) {
      const at = done;
      done += writing(SPOOL, () => fs.writeSync(this.#file, buffer, at, bytes - at, this.#end + at));
    }
    column.blocks.push({ offset: this.#end, bytes });
    this.#end += bytes;
    column.used = 0;
  }
}

function numberSource(file: number, blocks: Block[], dtype: "i8" | "u8" | "f8"): SlabSource {
  const Typed = { i8: BigInt64Array, u8: BigUint64Array, f8: Float64Array }[dtype];
  let block = 0, inside = 0, result = new Uint8Array(0);
  return (_start, length): Values => {
    // The same memory again, since a range is used up before the next one is asked for.
    if (result.length !== 8 * length) result = new Uint8Array(8 * length);
    for (let done = 0; done < result.length;) {
      const current = blockAt(blocks, block);
      const part = result.subarray(done, done + Math.min(result.length - done, current.bytes - inside));
      readFully(file, part, current.offset + inside);
      done += part.length;
      inside += part.length;
      if (inside === current.bytes) [block, inside] = [block + 1, 0];
    }
    return new Typed(result.buffer);
  };
}

/** A text never goes over the end of a block. */
function textSource(file: number, blocks: Block[]): SlabSource {
  const shared = new Map<string, string>();
  let block = 0, inside = 0, bytes = Buffer.alloc(0);
  return (_start, length) => {
    const texts = new Array<string>(length);
    for (let i = 0; i < length; i++) {
      if (inside === bytes.length) {
        const current = blockAt(blocks, block++);
        bytes = Buffer.alloc(current.bytes);
        readFully(file, bytes, current.offset);
        inside = 0;
      }
      const from = inside + 4;
      inside = from + bytes.readUInt32LE(inside);
      const text = bytes.toString("utf8", from, inside);
      const known = shared.get(text);
      if (known === undefined && shared.size < SHARED_TEXTS) shared.set(text, text);
      texts[i] = known ?? text;
    }
    return texts;
  };
}

function blockAt(blocks: Block[], index: number): Block {
  const block = blocks[index];
  if (block === undefined) throw new RangeError("behind the end of the column");
  return block;
}

function readFully(file: number, target: Uint8Array, offset: number): void {
  for (let done = 0; done < target.length;) {
    const at = done;
    const n = writing(SPOOL, () => fs.readSync(file, target, at, target.length - at, offset + at));
    if (n === 0) throw new Error("the temporary file became shorter");
    done += n;
  }
}
