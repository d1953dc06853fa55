/** B-trees of version 2: records in order, in nodes with checksums (specification, section III.A.2). */
import { ByteCursor } from "./byte_cursor.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

/** Signature, version, type, checksum. */
const NODE_OVERHEAD = 10;
const MOST_LEVELS = 32;

interface Header {
  type: number;
  nodeSize: number;
  recordSize: number;
  depth: number;
  root: number | null;
  rootRecords: number;
  /** Bytes of the count of a child's records, and of the records below it, per level of the child. */
  countBytes: number;
  totalBytes: number[];
}

/** −1: what is sought lies before the record, 0: the record is (or belongs to) it, 1: behind. */
export type Comparison = (record: ByteCursor) => number;

/**
 * Gives the records that compare as 0, in order; all without `compare`.
 * @param type expected type of the records
 */
export function* btreeRecords(
  source: FileSource,
  address: number,
  types: number[],
  compare: Comparison = () => 0,
): Generator<{ type: number; record: ByteCursor }, void, undefined> {
  const header = readHeader(source, address);
  if (!types.includes(header.type)) throw new FormatError(`a B-tree of type ${header.type}`);
  if (header.root === null) return;
  const seen = new Set<number>();
  for (const record of visit(source, header, header.root, header.rootRecords, header.depth, compare, seen)) {
    yield { type: header.type, record };
  }
}

function* visit(
  source: FileSource,
  header: Header,
  address: number,
  count: number,
  level: number,
  compare: Comparison,
  seen: Set<number>,
): Generator<ByteCursor, void, undefined> {
  if (seen.has(address)) throw new FormatError("a B-tree has a circle");
  seen.add(address);
  const { widths } = source.superblock;
  const pointerSize = level > 0
    ? widths.address + header.countBytes + (header.totalBytes[level - 1] ?? 0)
    : 0;
  const size = NODE_OVERHEAD + count * header.recordSize + (level > 0 ? (count + 1) * pointerSize : 0);
  if (size > header.nodeSize) throw new FormatError("a B-tree node is overfull");
  // The checksum follows what is used; the rest of the node says nothing.
  const bytes = source.readChecked(address, size);
  const node = new ByteCursor(bytes, widths).signature(level > 0 ? "BTIN" : "BTLF");
  node.version("B-tree node", 0);
  if (node.u8() !== header.type) throw new FormatError("a B-tree node is of another type");
  const record = (i: number) =>
    new ByteCursor(
      bytes.subarray(node.at + i * header.recordSize, node.at + (i + 1) * header.recordSize),
      widths,
    );
  const order = Array.from({ length: count }, (_, i) => compare(record(i)));
  for (let i = 0; i <= count; i++) {
    // A child lies between the records on both sides of it.
    if (level > 0 && (i === 0 || (order[i - 1] ?? 0) >= 0) && (i === count || (order[i] ?? 0) <= 0)) {
      const pointer = new ByteCursor(bytes, widths, node.at + count * header.recordSize + i * pointerSize);
      const child = pointer.address(), records = pointer.uint(header.countBytes);
      if (child !== null) yield* visit(source, header, child, records, level - 1, compare, seen);
    }
    if (i < count && order[i] === 0) yield record(i);
  }
}

function readHeader(source: FileSource, address: number): Header {
  const { widths } = source.superblock;
  const bytes = source.readChecked(address, 22 + widths.address + widths.length);
  const cursor = new ByteCursor(bytes, widths).signature("BTHD");
  cursor.version("B-tree", 0);
  const type = cursor.u8(), nodeSize = cursor.u32(), recordSize = cursor.u16(), depth = cursor.u16();
  const root = cursor.skip(2).address(), rootRecords = cursor.u16();
  if (depth > MOST_LEVELS || recordSize === 0 || nodeSize <= NODE_OVERHEAD + recordSize) {
    throw new FormatError("a B-tree of impossible sizes");
  }
  const leafRecords = Math.floor((nodeSize - NODE_OVERHEAD) / recordSize);
  const countBytes = bytesOf(leafRecords);
  const totalBytes = [0];
  for (let level = 1, below = leafRecords; level < depth; level++) {
    const pointerSize = widths.address + countBytes + (totalBytes[level - 1] ?? 0);
    const records = Math.floor((nodeSize - NODE_OVERHEAD - pointerSize) / (recordSize + pointerSize));
    below = (records + 1) * below + records;
    totalBytes.push(bytesOf(below));
  }
  return { type, nodeSize, recordSize, depth, root, rootRecords, countBytes, totalBytes };
}

/** Bytes that hold a number. */
function bytesOf(value: number): number {
  return Math.min(8, Math.floor(Math.log2(Math.max(1, value)) / 8) + 1);
}
