/** Chunks as an index knows them. */

/** A chunk by its place in the grid of chunks. */
export interface StoredChunk {
  scaled: number[];
  address: number;
  size: number;
  filterMask: number;
}

export interface ChunkIndex {
  /** The chunk at a place of the grid of chunks; undefined when it is not stored. */
  find(scaled: number[]): StoredChunk | undefined;
  /** The stored chunks from a row of the grid of chunks on. */
  from(row: number): Iterable<StoredChunk>;
}
