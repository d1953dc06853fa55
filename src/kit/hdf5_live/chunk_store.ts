/** The chunks of a dataset: where they lie, and what is in them. */
import { sizeOf } from "../labelled.ts";
import { ChunkGrid } from "./chunk_grid.ts";
import { undoFilters } from "./chunk_filters.ts";
import { chunkIndex } from "./chunk_index.ts";
import type { ChunkIndex, StoredChunk } from "./stored_chunk.ts";
import { type DatasetName, tooLarge } from "./dataset_errors.ts";
import type { DatasetFacts } from "./dataset_facts.ts";
import type { FileSource } from "./file_source.ts";

const LARGEST_CHUNK = 64 * 1024 * 1024;

export class ChunkStore {
  readonly index: ChunkIndex;
  readonly chunkShape: number[];
  readonly chunkBytes: number;

  /** @throws SyncError `hdf5_too_large` */
  constructor(readonly source: FileSource, name: DatasetName, readonly facts: DatasetFacts) {
    const { layout, shape, maxShape, type, filters } = facts;
    if (layout.kind !== "chunked") throw new TypeError(`${name.dataset} is not chunked`);
    this.chunkShape = layout.chunkShape;
    this.chunkBytes = sizeOf(this.chunkShape) * type.bytes;
    if (this.chunkBytes > LARGEST_CHUNK) {
      throw tooLarge(name, `chunks of ${this.chunkBytes} bytes`, "Write smaller chunks to see it live.");
    }
    const { chunkShape, chunkBytes } = this;
    const grid = new ChunkGrid({ shape, maxShape, chunkShape, chunkBytes, filtered: filters.length > 0 });
    this.index = chunkIndex(source, grid, layout.index);
  }

  /** Whether the bytes of a chunk are its values as they are. */
  isPlain(scaled: number[]): boolean {
    const { layout, shape, filters } = this.facts;
    if (filters.length === 0) return true;
    // Chunks that reach beyond the extent may be stored without filters.
    return layout.kind === "chunked" && layout.wholeEdges &&
      scaled.some((n, axis) => (n + 1) * (this.chunkShape[axis] ?? 1) > (shape[axis] ?? 0));
  }

  /** Values of a whole chunk. @throws FormatError */
  content(chunk: StoredChunk): Uint8Array {
    const stored = this.source.readOnce(chunk.address, chunk.size);
    if (this.isPlain(chunk.scaled)) return stored;
    return undoFilters(stored, this.facts.filters, chunk.filterMask, this.chunkBytes);
  }
}
