/** The chunk index of datasets with several axes without limit: a B-tree of version 2, records of type 10 and 11. */
import { btreeRecords, type Comparison } from "./btree_v2.ts";
import type { ByteCursor } from "./byte_cursor.ts";
import type { ChunkGrid } from "./chunk_grid.ts";
import type { ChunkIndex, StoredChunk } from "./stored_chunk.ts";
import type { FileSource } from "./file_source.ts";

const PLAIN = 10, FILTERED = 11;
const SCALED_BYTES = 8;

export class ChunkBtreeV2 implements ChunkIndex {
  constructor(readonly source: FileSource, readonly grid: ChunkGrid, readonly address: number) {}

  find(scaled: number[]): StoredChunk | undefined {
    const sought = (record: ByteCursor) => {
      const found = this.#scaled(record);
      const axis = scaled.findIndex((n, i) => n !== found[i]);
      return axis < 0 ? 0 : Math.sign((scaled[axis] ?? 0) - (found[axis] ?? 0));
    };
    for (const chunk of this.#chunks(sought)) return chunk;
    return undefined;
  }

  from(row: number): Iterable<StoredChunk> {
    return this.#chunks((record) => (this.#scaled(record)[0] ?? 0) >= row ? 0 : 1);
  }

  *#chunks(compare: Comparison): Generator<StoredChunk, void, undefined> {
    for (const { type, record } of btreeRecords(this.source, this.address, [PLAIN, FILTERED], compare)) {
      const scaled = this.#scaled(record);
      record.at = 0;
      const address = record.address();
      if (address === null) continue;
      if (type === PLAIN) {
        yield { scaled, address, size: this.grid.chunkBytes, filterMask: 0 };
        continue;
      }
      const sizeBytes = record.bytes.length - record.at - 4 - this.grid.rank * SCALED_BYTES;
      yield { scaled, address, size: record.uint(sizeBytes), filterMask: record.u32() };
    }
  }

  /** The place in the grid stands at the end of a record. */
  #scaled(record: ByteCursor): number[] {
    record.at = 0;
    record.skip(record.bytes.length - this.grid.rank * SCALED_BYTES);
    return Array.from({ length: this.grid.rank }, () => record.uint(SCALED_BYTES));
  }
}
