/**
 * The cells of one variable that were measured. They lie in C order of a capacity that is at least the extent, in
 * chunks that exist only where something was written: growing along the first axis costs nothing, along an inner one
 * the cells are laid anew, each time with twice the room.
 */
import type { Variable } from "./live_event.ts";
import { type Box, eachRun, end, intersection, sizeOf, stridesOf } from "./box.ts";
import { type Page, PAGE_BYTES, type PagePool } from "./page_pool.ts";
import { writtenBoxes } from "./written_boxes.ts";
import { WrittenBits } from "./written_bits.ts";

/** Words of 8 bytes, little-endian, or texts. */
export type CellData = Uint8Array | readonly string[];

interface Chunk {
  bits: WrittenBits;
  /** Words; undefined for texts, which always stay in memory. */
  page?: Page;
  texts?: string[];
  /** A snapshot under way shares the texts. */
  shared?: boolean;
}

/** Bytes of a cell, 0 for texts. */
export function cellBytes(dtype: Variable["dtype"]): number {
  return dtype === "text" ? 0 : dtype === "c16" ? 16 : 8;
}

class Layout {
  readonly strides: number[];
  constructor(readonly capacity: readonly number[]) {
    this.strides = stridesOf(capacity);
  }
}

/** Cells as they were at one moment. */
export interface FrozenCells {
  readonly shape: readonly number[];
  /** Boxes, as large as possible, that hold exactly the measured cells. */
  boxes(): Box[];
  read(box: Box): CellData;
  /** Lets the memory go; to be called exactly once. */
  release(): void;
}

export class VariableCells {
  #layout: Layout;
  #chunks = new Map<number, Chunk>();
  #shape: number[];
  readonly #bytes: number;
  readonly #perChunk: number;

  constructor(private readonly pool: PagePool, dtype: Variable["dtype"], shape: readonly number[]) {
    this.#bytes = cellBytes(dtype);
    this.#perChunk = this.#bytes === 0 ? 1024 : PAGE_BYTES / this.#bytes;
    this.#shape = [...shape];
    this.#layout = new Layout(shape);
  }

  /** Extent now. */
  get shape(): readonly number[] {
    return this.#shape;
  }

  /** Whether a box lies inside the extent. */
  holds(box: Box): boolean {
    return this.#shape.every((length, axis) => end(box, axis) <= length);
  }

  /** Writes a box inside the extent. */
  write(box: Box, data: CellData): void {
    eachRun(box, this.#layout.strides, (cell, index, length) => {
      for (let done = 0; done < length;) {
        const at = (cell + done) % this.#perChunk;
        const count = Math.min(this.#perChunk - at, length - done);
        this.#put(Math.floor((cell + done) / this.#perChunk), at, count, data, index + done);
        done += count;
      }
    });
  }

  /** Another extent: cells outside of it are forgotten, new ones are not measured. */
  resize(shape: readonly number[]): void {
    this.#shrink(shape.map((length, axis) => Math.min(length, this.#shape[axis] ?? 0)));
    const { capacity } = this.#layout;
    const fits = shape.every((length, axis) => axis === 0 || length <= (capacity[axis] ?? 0));
    this.#shape = [...shape];
    if (!fits) this.#layAnew();
  }

  freeze(): FrozenCells {
    const chunks = new Map<number, Chunk>();
    for (const [number, chunk] of this.#chunks) {
      chunks.set(number, { ...chunk, bits: chunk.bits.copy() });
      if (chunk.page) chunk.page.frozen++;
      else chunk.shared = true;
    }
    const [shape, layout] = [[...this.#shape], this.#layout];
    return {
      shape,
      boxes: () => this.#boxes(chunks, layout),
      read: (box) => this.#read(chunks, layout, box),
      release: () => {
        for (const { page } of chunks.values()) if (page) this.pool.thaw(page);
        chunks.clear();
      },
    };
  }

  /** Forgets everything. */
  drop(): void {
    for (const { page } of this.#chunks.values()) if (page) this.pool.drop(page);
    this.#chunks.clear();
  }

  #put(number: number, at: number, count: number, data: CellData, from: number): void {
    const chunk = this.#chunkToWrite(number);
    if (chunk.page) {
      if (!(data instanceof Uint8Array)) throw new TypeError("words are no texts");
      const size = this.#bytes;
      const bytes = data.subarray(from * size, (from + count) * size);
      if (bytes.length !== count * size) throw new TypeError("the data of a patch is shorter than its shape");
      this.pool.write(chunk.page).set(bytes, at * size);
    } else if (chunk.texts) {
      for (let i = 0; i < count; i++) chunk.texts[at + i] = String(data[from + i]);
    }
    chunk.bits.set(at, at + count);
  }

  #chunkToWrite(number: number): Chunk {
    let chunk = this.#chunks.get(number);
    if (!chunk) {
      const bits = WrittenBits.of(this.#perChunk);
      chunk = this.#bytes === 0 ? { bits, texts: [] } : { bits, page: this.pool.take() };
      this.#chunks.set(number, chunk);
    } else if (chunk.page && chunk.page.frozen > 0) {
      const copy = this.pool.copy(chunk.page);
      this.pool.drop(chunk.page);
      chunk.page = copy;
    } else if (chunk.shared) {
      chunk.texts = [...chunk.texts ?? []];
      chunk.shared = false;
    }
    return chunk;
  }

  #read(chunks: ReadonlyMap<number, Chunk>, { strides }: Layout, box: Box): CellData {
    const cells = sizeOf(box.shape);
    const bytes = new Uint8Array(cells * this.#bytes);
    const texts: string[] = [];
    eachRun(box, strides, (cell, index, length) => {
      for (let done = 0; done < length;) {
        const at = (cell + done) % this.#perChunk;
        const count = Math.min(this.#perChunk - at, length - done);
        const chunk = chunks.get(Math.floor((cell + done) / this.#perChunk));
        if (chunk?.page) {
          const words = this.pool.read(chunk.page).subarray(at * this.#bytes, (at + count) * this.#bytes);
          bytes.set(words, (index + done) * this.#bytes);
        } else {
          for (let i = 0; i < count; i++) texts.push(chunk?.texts?.[at + i] ?? "");
        }
        done += count;
      }
    });
    return this.#bytes === 0 ? texts : bytes;
  }

  #boxes(chunks: ReadonlyMap<number, Chunk>, { capacity }: Layout): Box[] {
    const runs: [from: number, to: number][] = [];
    for (const number of [...chunks.keys()].sort((a, b) => a - b)) {
      const bits = chunks.get(number)?.bits ?? WrittenBits.of(0);
      const base = number * this.#perChunk;
      for (let at = bits.next(0, true); at < this.#perChunk; at = bits.next(at, true)) {
        const to = Math.min(bits.next(at, false), this.#perChunk);
        const before = runs.at(-1);
        if (before && before[1] === base + at) before[1] = base + to;
        else runs.push([base + at, base + to]);
        at = to;
      }
    }
    return writtenBoxes(runs, capacity);
  }

  #layAnew(): void {
    const [chunks, layout] = [this.#chunks, this.#layout];
    const capacity = this.#shape.map((length, axis) => {
      const room = layout.capacity[axis] ?? 0;
      return length <= room ? room : Math.max(length, 2 * room);
    });
    this.#chunks = new Map();
    this.#layout = new Layout(capacity);
    for (const box of this.#boxes(chunks, layout)) this.write(box, this.#read(chunks, layout, box));
    for (const { page } of chunks.values()) if (page) this.pool.drop(page);
  }

  /** @param shape at most the extent, on every axis */
  #shrink(shape: readonly number[]): void {
    const old = this.#shape;
    for (let axis = 0; axis < shape.length; axis++) {
      const [from, to] = [shape[axis] ?? 0, old[axis] ?? 0];
      if (from === to) continue;
      // What is cut off on this axis, whole on the later ones and already cut on the earlier ones.
      const offset = shape.map((_, i) => i === axis ? from : 0);
      const cut = shape.map((length, i) => i < axis ? length : i === axis ? to - from : old[i] ?? 0);
      // Much of it may never have been measured: an extent says nothing about that.
      for (const box of this.#boxes(this.#chunks, this.#layout)) {
        const measured = intersection(box, { offset, shape: cut });
        if (measured) this.#clear(measured);
      }
    }
    this.#shape = [...shape];
  }

  #clear(box: Box): void {
    const touched = new Set<number>();
    eachRun(box, this.#layout.strides, (cell, _index, length) => {
      for (let done = 0; done < length;) {
        const at = (cell + done) % this.#perChunk;
        const count = Math.min(this.#perChunk - at, length - done);
        const number = Math.floor((cell + done) / this.#perChunk);
        this.#chunks.get(number)?.bits.clear(at, at + count);
        touched.add(number);
        done += count;
      }
    });
    for (const number of touched) {
      const chunk = this.#chunks.get(number);
      if (!chunk?.bits.empty) continue;
      if (chunk.page) this.pool.drop(chunk.page);
      this.#chunks.delete(number);
    }
  }
}
