/**
 * Index of the chunks of one dataset: a version 2 B-tree (file format specification 3.0, III.A.2 and appendix on chunk
 * indexes) that is one leaf. Growth writes a new leaf beside the old one and then points the header to it, so that a
 * reader finds the old or the new index whole; since the chunks at least double each time, the old leaves together are
 * no larger than the last.
 */
import { ByteWriter, UNDEFINED_ADDRESS } from "./byte_writer.ts";
import { MERGE_PERCENT, SPLIT_PERCENT } from "./messages.ts";

/** Records of chunks without filters. */
const UNFILTERED_CHUNKS = 10;
const PREFIX_AND_CHECKSUM = 10;

/** The header counts the records of its leaf in two bytes. */
export const MOST_CHUNKS = 0xffff;

/** Bytes of the header, whose place never changes. */
export const INDEX_HEADER_BYTES = 38;

export interface ChunkRecord {
  address: number;
  /** Position in chunks, per axis. */
  position: readonly number[];
}

export interface Leaf {
  address: number;
  records: number;
}

export function leafBytes(records: number, axes: number): number {
  return PREFIX_AND_CHECKSUM + Math.max(records, 1) * recordBytes(axes);
}

export function encodeIndexHeader(axes: number, leaf: Leaf | undefined): Uint8Array<ArrayBuffer> {
  const records = leaf?.records ?? 0;
  return new ByteWriter().ascii("BTHD").u8(0, UNFILTERED_CHUNKS)
    .u32(leafBytes(records, axes)).u16(recordBytes(axes)).u16(0).u8(SPLIT_PERCENT, MERGE_PERCENT)
    .u64(leaf ? leaf.address : UNDEFINED_ADDRESS).u16(records).u64(records).checksum().done();
}

/** @param records in C order of their positions */
export function encodeLeaf(records: Iterable<ChunkRecord>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().ascii("BTLF").u8(0, UNFILTERED_CHUNKS);
  for (const { address, position } of records) {
    writer.u64(address);
    for (const at of position) writer.u64(at);
  }
  return writer.checksum().done();
}

function recordBytes(axes: number): number {
  return 8 + 8 * axes;
}
