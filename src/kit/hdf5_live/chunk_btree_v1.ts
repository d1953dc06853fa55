/** The chunk index of files written for old libraries: a B-tree by position (specification, section III.A.1). */
import { ByteCursor } from "./byte_cursor.ts";
import type { ChunkGrid } from "./chunk_grid.ts";
import type { ChunkIndex, StoredChunk } from "./stored_chunk.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

interface Key {
  size: number;
  filterMask: number;
  /** Of the first cell. */
  offset: number[];
}

interface Node {
  level: number;
  /** One more than children: each child lies between its key and the next one. */
  keys: Key[];
  children: (number | null)[];
}

/** Larger than any tree that fits a file. */
const MOST_LEVELS = 64;
const MOST_KNOWN = 256;

export class ChunkBtreeV1 implements ChunkIndex {
  /** Nodes that lead to chunks: neighbours share most of them. */
  readonly #known = new Map<number, Node>();

  constructor(readonly source: FileSource, readonly grid: ChunkGrid, readonly root: number) {}

  find(scaled: number[]): StoredChunk | undefined {
    const wanted = scaled.map((n, axis) => n * (this.grid.chunkShape[axis] ?? 1));
    for (let address: number | null = this.root, level = MOST_LEVELS; address !== null;) {
      const node: Node = this.#known.get(address) ?? this.#node(address);
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.set(address, node);
      if (node.level >= level) throw new FormatError("a chunk tree is not level");
      level = node.level;
      const i = this.#childOf(node, wanted);
      address = node.children[i] ?? null;
      if (level > 0 || address === null) continue;
      const key = node.keys[i];
      return key && compare(key.offset, wanted) === 0
        ? { scaled: [...scaled], address, size: key.size, filterMask: key.filterMask }
        : undefined;
    }
    return undefined;
  }

  from(row: number): Iterable<StoredChunk> {
    return this.#visit(this.root, row * (this.grid.chunkShape[0] ?? 1), MOST_LEVELS, new Set());
  }

  *#visit(
    address: number,
    first: number,
    level: number,
    seen: Set<number>,
  ): Generator<StoredChunk, void, undefined> {
    if (seen.has(address)) throw new FormatError("a chunk tree has a circle");
    seen.add(address);
    const node = this.#node(address);
    if (node.level >= level) throw new FormatError("a chunk tree is not level");
    for (let i = 0; i < node.children.length; i++) {
      const key = node.keys[i], next = node.keys[i + 1], child = node.children[i];
      if (!key || !next || child === null || child === undefined || (next.offset[0] ?? 0) < first) continue;
      if (node.level > 0) yield* this.#visit(child, first, node.level, seen);
      else if ((key.offset[0] ?? 0) >= first) {
        const scaled = key.offset.map((n, axis) => n / (this.grid.chunkShape[axis] ?? 1));
        if (!scaled.every(Number.isInteger)) throw new FormatError(`a chunk at [${key.offset}]`);
        yield { scaled, address: child, size: key.size, filterMask: key.filterMask };
      }
    }
  }

  /** The last child whose key is not beyond what is wanted; −1 when it lies before all. */
  #childOf(node: Node, wanted: number[]): number {
    let low = 0, high = node.children.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(node.keys[middle]?.offset ?? [], wanted) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #node(address: number): Node {
    const { widths } = this.source.superblock, { rank } = this.grid;
    const prefix = 8 + 2 * widths.address;
    const head = new ByteCursor(this.source.read(address, prefix), widths).signature("TREE");
    if (head.u8() !== 1) throw new FormatError("a chunk tree is of another type");
    const level = head.u8(), used = head.u16();
    const keyBytes = 8 + 8 * (rank + 1);
    const body = this.source.read(address + prefix, used * (keyBytes + widths.address) + keyBytes);
    const cursor = new ByteCursor(body, widths);
    const node: Node = { level, keys: [], children: [] };
    for (let i = 0; i <= used; i++) {
      const size = cursor.u32(), filterMask = cursor.u32();
      // The key behind the last child may be anything large, the last number is the position inside of an element.
      const offset = Array.from({ length: rank }, () => cursor.position());
      cursor.skip(8);
      node.keys.push({ size, filterMask, offset });
      if (i < used) node.children.push(cursor.address());
    }
    return node;
  }
}

function compare(a: number[], b: number[]): number {
  for (let i = 0; i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
