/**
 * A float64 dataset that grows in all axes. Its object header is rewritten in place, in one write, whenever extent,
 * cursor or state are another: readers find the old or the new one whole, by its checksum.
 */
import { sizeOf } from "../../labelled.ts";
import { int32Attribute, int8Attribute } from "./attribute_values.ts";
import type { Block, CellStore } from "./cell_store.ts";
import { chunkShape, storedShape } from "./chunk_shape.ts";
import { ChunkStore } from "./chunk_store.ts";
import { FLOAT64 } from "./datatypes.ts";
import type { GrowingFile } from "./growing_file.ts";
import { attributeInfo, dataspace, datatype, EXTENTS_AT, type Message } from "./messages.ts";
import { ObjectHeader } from "./object_header.ts";
import { ScalarStore } from "./scalar_store.ts";

export class GrowingDataset {
  /** Address of the object header; 0 until it was described. */
  address = 0;
  /** True extent, without the padding that is stored. */
  extent: number[];
  readonly #store: CellStore;
  readonly #axes: number;
  #stored: number[];
  /** The cell behind the last one in C order that was written: position of the next write. */
  #cursor: number[];
  #completed = 0;
  #header?: ObjectHeader;
  #places = { dims: 0, cursor: 0, shape: 0, completed: 0 };

  constructor(private readonly file: GrowingFile, extent: readonly number[]) {
    this.#axes = extent.length;
    this.extent = [...extent];
    this.#stored = storedShape(extent, extent.map(() => 0));
    this.#cursor = extent.map(() => 0);
    this.#store = this.#axes === 0 ? new ScalarStore(file) : new ChunkStore(file, chunkShape(extent));
  }

  /** Makes the object header; may be repeated with the same attributes and other values until it is first settled. */
  describe(attributes: Message[]): void {
    const dims = dataspace(this.#stored, this.#axes > 0);
    const zeros = this.extent.map(() => 0);
    const completed = int8Attribute("completed", 0);
    const [cursor, shape] = [int32Attribute("__cursor", zeros), int32Attribute("__shape", zeros)];
    const all = [completed, ...this.#axes > 0 ? [cursor, shape] : [], ...attributes];
    const header = new ObjectHeader([
      dims,
      datatype(FLOAT64),
      ...this.#store.messages,
      attributeInfo(all.length),
      ...all,
    ]);
    this.address ||= this.file.allocate(header.length);
    this.#header = header;
    const bytes = 4 * this.#axes;
    this.#places = {
      dims: header.tailOf(dims, dims.body.length) + EXTENTS_AT,
      completed: header.tailOf(completed, 1),
      cursor: this.#axes > 0 ? header.tailOf(cursor, bytes) : 0,
      shape: this.#axes > 0 ? header.tailOf(shape, bytes) : 0,
    };
  }

  /** @throws SyncError `live_file_too_large` */
  write(block: Block, values: Float64Array): void {
    const reach = block.offset.map((at, axis) => at + block.shape[axis]!);
    this.#resize(this.extent.map((n, axis) => Math.max(n, reach[axis]!)));
    this.#store.write(block, values, this.#stored);
    const last = reach.map((n, axis) => axis === this.#axes - 1 ? n : n - 1);
    if (isBehind(last, this.#cursor)) this.#cursor = last;
  }

  /** Sets the true extent; what lies outside of a smaller one is not measured any more. */
  setExtent(extent: readonly number[]): void {
    for (const [axis, n] of extent.entries()) {
      if (n >= this.extent[axis]!) continue;
      const offset = extent.map((_, k) => k === axis ? n : 0);
      this.#store.clear({ offset, shape: this.extent.map((had, k) => had - offset[k]!) });
      this.extent[axis] = n;
    }
    this.#cursor = withinExtent(this.#cursor, extent);
    this.#resize(extent);
  }

  /**
   * Cuts the padding off: the dataset is complete and as large as its extent.
   * @param inner extents of the dimensions of its axes; inner axes get these, since netCDF-C misplaces the values of a
   * variable that is shorter than its dimension in any axis but the first
   */
  complete(inner: readonly number[]): void {
    this.#stored = this.extent.map((n, axis) => axis === 0 ? n : Math.max(n, inner[axis]!));
    this.#store.trim(this.#stored);
    this.#completed = 1;
  }

  /** Shows readers everything so far: values first, then the header that tells of them. */
  settle(): void {
    this.#store.settle();
    const header = this.#header;
    if (!header) return;
    header.set(this.#places.completed, Uint8Array.of(this.#completed));
    if (this.#axes > 0) {
      header.set(this.#places.dims, new Uint8Array(BigUint64Array.from(this.#stored.map(BigInt)).buffer));
      header.set(this.#places.cursor, new Uint8Array(Int32Array.from(this.#cursor).buffer));
      header.set(this.#places.shape, new Uint8Array(Int32Array.from(this.extent).buffer));
    }
    this.file.write(this.address, header.sealed());
  }

  #resize(extent: readonly number[]): void {
    this.extent = [...extent];
    this.#stored = storedShape(extent, this.#stored);
  }
}

function isBehind(a: readonly number[], b: readonly number[]): boolean {
  for (const [axis, at] of a.entries()) {
    if (at !== b[axis]) return at > b[axis]!;
  }
  return false;
}

/** A cursor beyond a smaller extent stands at its end. */
function withinExtent(cursor: number[], extent: readonly number[]): number[] {
  const last = extent.length - 1;
  const inside = cursor.every((at, axis) =>
    axis === last ? at <= extent[axis]! : at < Math.max(1, extent[axis]!)
  );
  if (inside) return cursor;
  return sizeOf(extent) === 0 ? extent.map(() => 0) : extent.map((n, axis) => axis === last ? n : n - 1);
}
