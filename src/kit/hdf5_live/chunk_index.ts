/** Where the chunks of a dataset lie: one interface to the six kinds of index. */
import { ChunkBtreeV1 } from "./chunk_btree_v1.ts";
import { ChunkBtreeV2 } from "./chunk_btree_v2.ts";
import { ExtensibleArray } from "./extensible_array.ts";
import type { FileSource } from "./file_source.ts";
import { FixedArray } from "./fixed_array.ts";
import type { ChunkIndexing } from "./layout.ts";
import type { ChunkIndex, StoredChunk } from "./stored_chunk.ts";
import type { ChunkGrid } from "./chunk_grid.ts";

export function chunkIndex(source: FileSource, grid: ChunkGrid, indexing: ChunkIndexing): ChunkIndex {
  const { address } = indexing;
  if (address === null) return { find: () => undefined, from: () => [] };
  switch (indexing.kind) {
    case "btree_v1":
      return new ChunkBtreeV1(source, grid, address);
    case "btree_v2":
      return new ChunkBtreeV2(source, grid, address);
    case "single": {
      const size = indexing.size ?? grid.chunkBytes;
      return arrayIndex(grid, () => ({ address, size, filterMask: indexing.filterMask }));
    }
    case "implicit":
      return arrayIndex(grid, (scaled) => ({
        address: address + grid.position(scaled) * grid.chunkBytes,
        size: grid.chunkBytes,
        filterMask: 0,
      }));
    case "fixed_array": {
      const array = new FixedArray(source, address, grid);
      return arrayIndex(grid, (scaled) => array.element(grid.position(scaled)));
    }
    case "extensible_array": {
      const array = new ExtensibleArray(source, address, grid);
      return arrayIndex(grid, (scaled) => array.element(grid.growingPosition(scaled)));
    }
  }
}

/** An index that has an entry for every place of the grid. */
function arrayIndex(
  grid: ChunkGrid,
  element: (scaled: number[]) => Omit<StoredChunk, "scaled"> | undefined,
): ChunkIndex {
  const find = (scaled: number[]) => {
    const stored = element(scaled);
    return stored && { scaled: [...scaled], ...stored };
  };
  return {
    find,
    *from(row) {
      for (const scaled of grid.places(row)) {
        const chunk = find(scaled);
        if (chunk) yield chunk;
      }
    },
  };
}
