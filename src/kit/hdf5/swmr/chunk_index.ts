/**
 * Index of the chunks of one dataset: a version 2 B-tree (file format specification 3.0, III.A.2 and appendix on chunk
 * indexes), one leaf, or leaves below a root. Growth writes new nodes beside the old ones and then points the header to
 * them, so that a reader finds the old or the new index whole; since the chunks at least double each time, all old nodes
 * together are no larger than the last ones.
 */
import { ByteWriter, UNDEFINED_ADDRESS } from "./byte_writer.ts";
import type { GrowingFile } from "./growing_file.ts";
import { MERGE_PERCENT, SPLIT_PERCENT } from "./messages.ts";

/** Records of chunks without filters. */
const UNFILTERED_CHUNKS = 10;
const PREFIX_AND_CHECKSUM = 10;
/** A parent counts the records of its leaves in as many bytes as this number needs: two. */
const LEAF_RECORDS = 2048;

/** As many as one root can have below it, and still laid out in a moment. */
export const MOST_CHUNKS = 1 << 20;

/** Bytes of the header, whose place never changes. */
export const INDEX_HEADER_BYTES = 38;

export interface ChunkRecord {
  address: number;
  /** Position in chunks, per axis. */
  position: readonly number[];
}

interface Root {
  address: number;
  /** Records in the root itself. */
  records: number;
  /** Levels below it. */
  depth: number;
  total: number;
}

/** Bytes of a node of an index, the same for all of its nodes: a leaf alone is no larger than it must be. */
export function nodeBytes(axes: number, total: number): number {
  return PREFIX_AND_CHECKSUM + Math.max(1, Math.min(total, LEAF_RECORDS)) * recordBytes(axes);
}

/** The header of an index without chunks. */
export function encodeEmptyIndex(axes: number): Uint8Array<ArrayBuffer> {
  return encodeHeader(axes, { address: 0, records: 0, depth: 0, total: 0 });
}

/**
 * Writes an index, and its header over the one at `header`.
 * @param records in C order of their positions, at most {@link MOST_CHUNKS}
 */
export function writeIndex(
  file: GrowingFile,
  header: number,
  axes: number,
  records: readonly ChunkRecord[],
): void {
  const append = (node: Uint8Array) => {
    const address = file.allocate(nodeBytes(axes, records.length));
    file.write(address, node);
    return address;
  };
  // Between two leaves lies a record of their parent.
  const leaves = Math.max(1, Math.ceil((records.length + 1) / (LEAF_RECORDS + 1)));
  const children: { address: number; records: number }[] = [];
  const between: ChunkRecord[] = [];
  for (let leaf = 0, at = 0; leaf < leaves; leaf++) {
    const end = Math.floor((leaf + 1) * (records.length + 1) / leaves) - 1;
    children.push({ address: append(encodeNode("BTLF", records.slice(at, end))), records: end - at });
    between.push(...records.slice(end, end + 1));
    at = end + 1;
  }
  const [only] = children;
  const root = only && children.length === 1
    ? { ...only, depth: 0 }
    : { address: append(encodeNode("BTIN", between, children)), records: between.length, depth: 1 };
  file.write(header, encodeHeader(axes, { ...root, total: records.length }));
}

function encodeHeader(axes: number, { address, records, depth, total }: Root): Uint8Array<ArrayBuffer> {
  return new ByteWriter().ascii("BTHD").u8(0, UNFILTERED_CHUNKS)
    .u32(nodeBytes(axes, total)).u16(recordBytes(axes)).u16(depth).u8(SPLIT_PERCENT, MERGE_PERCENT)
    .u64(total > 0 ? address : UNDEFINED_ADDRESS).u16(records).u64(total).checksum().done();
}

function encodeNode(
  signature: "BTLF" | "BTIN",
  records: readonly ChunkRecord[],
  children: readonly { address: number; records: number }[] = [],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().ascii(signature).u8(0, UNFILTERED_CHUNKS);
  for (const { address, position } of records) {
    writer.u64(address);
    for (const at of position) writer.u64(at);
  }
  for (const child of children) writer.u64(child.address).u16(child.records);
  return writer.checksum().done();
}

function recordBytes(axes: number): number {
  return 8 + 8 * axes;
}
