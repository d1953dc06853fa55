/**
 * Values in chunks. Chunks are made for a box of positions that at least doubles when it must grow, filled with NaN
 * before the index shows them.
 */
import { SyncError } from "../../errors.ts";
import { sizeOf } from "../../labelled.ts";
import type { Block, CellStore } from "./cell_store.ts";
import {
  type ChunkRecord,
  encodeEmptyIndex,
  INDEX_HEADER_BYTES,
  MOST_CHUNKS,
  nodeBytes,
  writeIndex,
} from "./chunk_index.ts";
import type { GrowingFile } from "./growing_file.ts";
import { chunkedLayout, fillNaN, type Message } from "./messages.ts";
import { RunWriter } from "./run_writer.ts";

const BYTES = Float64Array.BYTES_PER_ELEMENT;
/** Values of NaN that are written at once. */
const BATCH = new Float64Array(1 << 17).fill(NaN);

export class ChunkStore implements CellStore {
  readonly messages: Message[];
  readonly #index: number;
  readonly #runs: RunWriter;
  /** Chunks per axis. */
  #box: number[];
  /** Addresses of the chunks of the box, in C order. */
  #addresses: number[] = [];

  constructor(private readonly file: GrowingFile, private readonly chunk: readonly number[]) {
    this.#box = chunk.map(() => 0);
    this.#runs = new RunWriter(file);
    this.#index = file.allocate(INDEX_HEADER_BYTES);
    file.write(this.#index, encodeEmptyIndex(chunk.length));
    this.messages = [
      fillNaN("incremental"),
      chunkedLayout(chunk, nodeBytes(chunk.length, 0), this.#index),
    ];
  }

  write(block: Block, values: Float64Array, stored: readonly number[]): void {
    this.#reach(block.offset.map((at, axis) => at + block.shape[axis]!), stored);
    this.#eachRun(block, (address, from, length) => {
      this.#runs.put(address, values.subarray(from, from + length));
    });
  }

  clear({ offset, shape }: Block): void {
    // What no chunk holds reads as NaN anyway.
    const inBox = shape.map((n, k) => Math.min(offset[k]! + n, this.#box[k]! * this.chunk[k]!) - offset[k]!);
    if (inBox.some((n) => n <= 0)) return;
    this.#eachRun({ offset, shape: inBox }, (address, _from, length) => {
      for (let done = 0; done < length; done += BATCH.length) {
        this.#runs.put(address + done * BYTES, BATCH.subarray(0, Math.min(BATCH.length, length - done)));
      }
    });
  }

  settle(): void {
    this.#runs.flush();
  }

  trim(extent: readonly number[]): void {
    const box = extent.map((n, axis) => Math.min(this.#box[axis]!, Math.ceil(n / this.chunk[axis]!)));
    if (sizeOf(box) < this.#addresses.length) this.#show(box, this.#moved(box));
  }

  /** Walks along the last axis, chunk by chunk: `from` and `length` count the values of the block. */
  #eachRun({ offset, shape }: Block, visit: (address: number, from: number, length: number) => void): void {
    const last = shape.length - 1;
    const [columns, width] = [shape[last]!, this.chunk[last]!];
    const rows = sizeOf(shape.slice(0, last));
    for (let row = 0; row < rows; row++) {
      let [slot, inner] = [0, 0];
      let [slots, inners] = [this.#box[last]!, width];
      for (let axis = last - 1, rest = row; axis >= 0; axis--) {
        const at = offset[axis]! + rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
        const extent = this.chunk[axis]!;
        slot += Math.floor(at / extent) * slots;
        inner += at % extent * inners;
        slots *= this.#box[axis]!;
        inners *= extent;
      }
      for (let done = 0; done < columns;) {
        const at = offset[last]! + done;
        const within = at % width;
        const length = Math.min(width - within, columns - done);
        const start = this.#addresses[slot + Math.floor(at / width)]!;
        visit(start + (inner + within) * BYTES, row * columns + done, length);
        done += length;
      }
    }
  }

  /** Makes room up to `end`. */
  #reach(end: readonly number[], stored: readonly number[]): void {
    const needed = end.map((n, axis) => Math.ceil(n / this.chunk[axis]!));
    if (needed.every((n, axis) => n <= this.#box[axis]!)) return;
    const useful = stored.map((n, axis) => Math.ceil(n / this.chunk[axis]!));
    const box = this.#box.map((have, axis) =>
      needed[axis]! <= have ? have : Math.max(needed[axis]!, Math.min(2 * have, useful[axis]!))
    );
    const chunks = sizeOf(box);
    if (chunks > MOST_CHUNKS) {
      throw new SyncError(
        "local",
        "live_file_too_large",
        `${this.file.path}: more than ${MOST_CHUNKS} chunks`,
        {
          hint:
            "The measurement is followed without the local file; its dataset is synchronized when it ends.",
        },
      );
    }
    const addresses = this.#moved(box);
    const values = sizeOf(this.chunk);
    const made = addresses.filter((address) => address === 0).length;
    let next = this.file.allocate(made * values * BYTES);
    for (let done = 0; done < made * values; done += BATCH.length) {
      const batch = BATCH.subarray(0, Math.min(BATCH.length, made * values - done));
      this.file.write(next + done * BYTES, new Uint8Array(batch.buffer, 0, batch.byteLength));
    }
    for (const [i, address] of addresses.entries()) {
      if (address !== 0) continue;
      addresses[i] = next;
      next += values * BYTES;
    }
    this.#show(box, addresses);
  }

  /** The addresses for another box; 0 where there is no chunk. */
  #moved(box: readonly number[]): number[] {
    return [...positions(box)].map((position) => {
      let slot = 0;
      for (const [axis, at] of position.entries()) {
        if (at >= this.#box[axis]!) return 0;
        slot = slot * this.#box[axis]! + at;
      }
      return this.#addresses[slot]!;
    });
  }

  /** Shows readers the chunks of a box. */
  #show(box: number[], addresses: number[]): void {
    const records = [...positions(box)].map((position, i): ChunkRecord => ({
      position,
      address: addresses[i]!,
    }));
    writeIndex(this.file, this.#index, box.length, records);
    this.#box = box;
    this.#addresses = addresses;
  }
}

/** All positions of a box in C order. */
function* positions(box: readonly number[]): Generator<number[]> {
  for (let k = 0; k < sizeOf(box); k++) {
    const position = new Array<number>(box.length);
    for (let axis = box.length - 1, rest = k; axis >= 0; axis--) {
      position[axis] = rest % box[axis]!;
      rest = Math.floor(rest / box[axis]!);
    }
    yield position;
  }
}
