/** Groups of the old kind: a B-tree of symbol nodes, names in a local heap (specification, sections III.A.1, B, C, D). */
import { ByteCursor } from "./byte_cursor.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";
import type { Link } from "./link_message.ts";

const SOFT_LINK = 2;
const MOST_NODES = 100_000;

/** Links of a group whose header has this symbol table message. */
export function readSymbolTable(source: FileSource, message: Uint8Array): Link[] {
  const cursor = new ByteCursor(message, source.superblock.widths);
  const tree = cursor.address(), heap = cursor.address();
  if (tree === null || heap === null) return [];
  const names = readLocalHeap(source, heap);
  const links: Link[] = [];
  const seen = new Set<number>();
  const visit = (address: number, level: number | undefined) => {
    if (seen.has(address) || seen.size >= MOST_NODES) throw new FormatError("a group's tree has a circle");
    seen.add(address);
    const node = readGroupNode(source, address);
    if (level !== undefined && node.level !== level) throw new FormatError("a group's tree is not level");
    for (const child of node.children) {
      if (node.level > 0) visit(child, node.level - 1);
      else links.push(...readSymbols(source, child, names));
    }
  };
  visit(tree, undefined);
  return links;
}

function readGroupNode(source: FileSource, address: number): { level: number; children: number[] } {
  const { widths } = source.superblock;
  const prefix = 8 + 2 * widths.address;
  const head = new ByteCursor(source.read(address, prefix), widths).signature("TREE");
  if (head.u8() !== 0) throw new FormatError("a group's tree is of another type");
  const level = head.u8(), used = head.u16();
  const body = source.read(address + prefix, used * (widths.length + widths.address) + widths.length);
  const cursor = new ByteCursor(body, widths);
  const children = Array.from({ length: used }, () => cursor.skip(widths.length).address());
  return { level, children: children.filter((child) => child !== null) };
}

function readSymbols(source: FileSource, address: number, names: Uint8Array): Link[] {
  const { widths } = source.superblock;
  const head = new ByteCursor(source.read(address, 8), widths).signature("SNOD");
  const count = (head.version("symbol node", 1), head.skip(1).u16());
  const cursor = new ByteCursor(source.read(address + 8, count * (2 * widths.address + 24)), widths);
  return Array.from({ length: count }, (): Link => {
    const nameAt = cursor.uint(widths.address), target = cursor.address(), cache = cursor.u32();
    const scratch = cursor.skip(4).take(16);
    const name = new ByteCursor(names, widths).skip(nameAt).zeroEnded();
    if (cache === SOFT_LINK) {
      const valueAt = new ByteCursor(scratch, widths).u32();
      return { name, soft: new ByteCursor(names, widths).skip(valueAt).zeroEnded() };
    }
    return target === null ? { name } : { name, address: target };
  });
}

function readLocalHeap(source: FileSource, address: number): Uint8Array {
  const { widths } = source.superblock;
  const head = source.read(address, 8 + 2 * widths.length + widths.address);
  const cursor = new ByteCursor(head, widths).signature("HEAP").skip(4);
  const size = cursor.length(), data = cursor.skip(widths.length).address();
  return data === null ? new Uint8Array(0) : source.read(data, size);
}
