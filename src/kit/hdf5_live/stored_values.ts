/** The stored bytes of a box of cells, whatever the layout. */
import { sizeOf } from "../labelled.ts";
import { chunkParts, copyBox } from "./box_runs.ts";
import { ChunkStore } from "./chunk_store.ts";
import { type DatasetName, tooLarge, tornDataset, unsupported } from "./dataset_errors.ts";
import type { DatasetFacts } from "./dataset_facts.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";
import { readBox } from "./stored_box.ts";
import type { StoredChunk } from "./stored_chunk.ts";

const LARGEST_BOX = 64 * 1024 * 1024;
/** Chunks, and texts, that are read at once. */
const MOST_PARTS = 1_000_000, MOST_TEXTS = 500_000;

/**
 * In C order, as long as the box; cells without storage have the fill value.
 * @param missing what to do where there is no storage: `torn` refuses
 * @param placed places of chunks that are known already
 * @throws FormatError, and SyncError `hdf5_torn`, `hdf5_too_large`, `hdf5_unsupported_layout`
 */
export function storedValues(
  source: FileSource,
  name: DatasetName,
  facts: DatasetFacts,
  offset: number[],
  count: number[],
  missing: "fill" | "torn",
  placed: Map<string, StoredChunk>,
): Uint8Array {
  const { layout, shape, type } = facts;
  const bytes = sizeOf(count) * type.bytes;
  const parts = layout.kind === "chunked" ? partsOf(count, layout.chunkShape) : 1;
  const texts = type.kind === "text" ? sizeOf(count) : 0;
  if (bytes > LARGEST_BOX || parts > MOST_PARTS || texts > MOST_TEXTS) {
    throw tooLarge(name, `${bytes} bytes in ${parts} chunks at once`, "Read it in slabs.");
  }
  if (bytes === 0) return new Uint8Array(0);
  switch (layout.kind) {
    case "compact": {
      if (sizeOf(shape) * type.bytes > layout.bytes.length) {
        throw new FormatError("compact values are cut off");
      }
      const content = new Uint8Array(bytes);
      copyBox(layout.bytes, { shape, start: offset }, content, whole(count), count, type.bytes);
      return content;
    }
    case "contiguous":
      if (layout.address !== null) return readBox(source, layout.address, shape, offset, count, type.bytes);
      if (missing === "torn") throw tornDataset(name, "is not written yet");
      return filled(bytes, facts);
    case "chunked": {
      const content = filled(bytes, facts);
      const chunks = new ChunkStore(source, name, facts, placed);
      for (const part of chunkParts(offset, count, layout.chunkShape)) {
        const chunk = chunks.find(part.scaled);
        if (!chunk) {
          if (missing === "torn") throw tornDataset(name, `lacks the chunk at [${part.scaled}]`);
          continue;
        }
        const inChunk = { shape: layout.chunkShape, start: part.inChunk };
        const inBox = { shape: count, start: part.inBox };
        if (chunks.isPlain(part.scaled)) {
          const box = readBox(source, chunk.address, inChunk.shape, inChunk.start, part.count, type.bytes);
          copyBox(box, whole(part.count), content, inBox, part.count, type.bytes);
        } else copyBox(chunks.content(chunk), inChunk, content, inBox, part.count, type.bytes);
      }
      return content;
    }
    case "other":
      throw unsupported(name, "hdf5_unsupported_layout", `has a ${layout.what} layout`);
  }
}

/** About how many chunks a box touches. */
function partsOf(count: number[], chunkShape: number[]): number {
  return sizeOf(count.map((n, axis) => Math.ceil(n / (chunkShape[axis] ?? 1))));
}

function whole(shape: number[]) {
  return { shape, start: shape.map(() => 0) };
}

function filled(bytes: number, { fill }: DatasetFacts): Uint8Array {
  const content = new Uint8Array(bytes);
  if (!fill || fill.length === 0 || fill.every((byte) => byte === 0)) return content;
  content.set(fill.subarray(0, bytes));
  // What is filled doubles each time.
  for (let done = fill.length; done < bytes; done *= 2) {
    content.copyWithin(done, 0, Math.min(done, bytes - done));
  }
  return content;
}
