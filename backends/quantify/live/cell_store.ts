/** The values of one variable as they were last seen: in memory while small, else in a private file. */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { writing } from "../../../src/kit/file_failures.ts";
import type { LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import { blank, cut, widthOf } from "./cell_values.ts";

/** Cells that are read, compared and remembered together. */
export const BLOCK = 1024;
/** Cells of a variable that are remembered in memory. */
const IN_MEMORY = 4 << 20;

export class CellStore implements Disposable {
  #memory: LiveValues;
  #file: Deno.FsFile | undefined;

  /** @param folder existing, private folder */
  constructor(readonly dtype: LiveDtype, readonly folder: string, length = 0) {
    this.#memory = blank(dtype, 0);
    this.resize(length);
  }

  /** Whether there is room for these cells; what is new holds nothing that means something. */
  resize(length: number): void {
    const capacity = this.#memory.length / widthOf(this.dtype);
    if (this.#file || length <= capacity) return;
    if (length > IN_MEMORY && this.dtype !== "text") {
      this.#file = this.#createFile();
      if (capacity > 0) this.write(0, this.#memory);
      this.#memory = blank(this.dtype, 0);
      return;
    }
    const grown = blank(this.dtype, Math.max(length, Math.min(2 * capacity, IN_MEMORY)));
    copy(this.#memory, grown, 0);
    this.#memory = grown;
  }

  /** Cells from a position; to be used before the next call. */
  read(from: number, count: number): LiveValues {
    if (!this.#file) return cut(this.#memory, this.dtype, from, from + count);
    const values = blank(this.dtype, count);
    const bytes = bytesOf(values);
    this.#seek(from);
    for (let done = 0; done < bytes.length;) {
      // Nothing was written behind the end of the file.
      const n = this.#file.readSync(bytes.subarray(done));
      if (n === null) break;
      done += n;
    }
    return values;
  }

  write(from: number, values: LiveValues): void {
    if (!this.#file) return copy(values, this.#memory, from * widthOf(this.dtype));
    const file = this.#file, bytes = bytesOf(values);
    this.#seek(from);
    writing(this.folder, () => {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    });
  }

  #seek(cell: number): void {
    this.#file?.seekSync(cell * widthOf(this.dtype) * Float64Array.BYTES_PER_ELEMENT, Deno.SeekMode.Start);
  }

  #createFile(): Deno.FsFile {
    const path = join(this.folder, `last-${crypto.randomUUID()}`);
    return writing(
      path,
      () => Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 }),
    );
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function copy(from: LiveValues, to: LiveValues, at: number): void {
  if (Array.isArray(to)) (from as string[]).forEach((text, i) => to[at + i] = text);
  else to.set(from as never, at);
}

function bytesOf(values: LiveValues): Uint8Array {
  return Array.isArray(values)
    ? new Uint8Array(0)
    : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Whether two lists of cells hold the same bits. */
export function isSame(a: LiveValues, b: LiveValues): boolean {
  if (Array.isArray(a)) return a.every((text, i) => text === b[i]);
  if (Array.isArray(b)) return false;
  return bufferOf(a).equals(bufferOf(b));
}

function bufferOf(values: Float64Array | BigInt64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
