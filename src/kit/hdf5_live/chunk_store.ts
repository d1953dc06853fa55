/** The chunks of a dataset: where they lie, and what is in them. */
import { sizeOf } from "../labelled.ts";
import { ChunkGrid } from "./chunk_grid.ts";
import { undoFilters } from "./chunk_filters.ts";
import { chunkIndex } from "./chunk_index.ts";
import type { ChunkIndex, StoredChunk } from "./stored_chunk.ts";
import { type DatasetName, tooLarge } from "./dataset_errors.ts";
import type { DatasetFacts } from "./dataset_facts.ts";
import type { FileSource } from "./file_source.ts";

/** Chunks whose places are remembered: those that grow now. */
const MOST_PLACED = 64;
const LARGEST_CHUNK = 64 * 1024 * 1024;

export class ChunkStore {
  readonly chunkShape: number[];
  readonly chunkBytes: number;

  #index: ChunkIndex | undefined;

  /**
   * @param placed places of chunks that are known from earlier readings and can not have changed
   * @throws SyncError `hdf5_too_large`
   */
  constructor(
    readonly source: FileSource,
    name: DatasetName,
    readonly facts: DatasetFacts,
    readonly placed: Map<string, StoredChunk>,
  ) {
    const { layout, type } = facts;
    if (layout.kind !== "chunked") throw new TypeError(`${name.dataset} is not chunked`);
    this.chunkShape = layout.chunkShape;
    this.chunkBytes = sizeOf(this.chunkShape) * type.bytes;
    if (this.chunkBytes > LARGEST_CHUNK) {
      throw tooLarge(name, `chunks of ${this.chunkBytes} bytes`, "Write smaller chunks to see it live.");
    }
  }

  /** @throws FormatError */
  get index(): ChunkIndex {
    const { chunkShape, chunkBytes, facts: { shape, maxShape, filters, layout } } = this;
    if (!this.#index && layout.kind === "chunked") {
      const grid = new ChunkGrid({ shape, maxShape, chunkShape, chunkBytes, filtered: filters.length > 0 });
      this.#index = chunkIndex(this.source, grid, layout.index);
    }
    return this.#index as ChunkIndex;
  }

  /** The chunk at a place of the grid; undefined when it is not stored. @throws FormatError */
  find(scaled: number[]): StoredChunk | undefined {
    const key = scaled.join();
    const chunk = this.placed.get(key) ?? this.index.find(scaled);
    // What a SWMR writer has placed stays where it is, unless filters change its size.
    const stays = this.source.superblock.swmr && this.facts.filters.length === 0;
    if (chunk && stays) {
      if (this.placed.size >= MOST_PLACED) this.placed.clear();
      this.placed.set(key, chunk);
    }
    return chunk;
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
