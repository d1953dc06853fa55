/** Messages of object headers (file format specification 3.0, IV.A.2). */
import { ByteWriter, UNDEFINED_ADDRESS } from "./byte_writer.ts";

export interface Message {
  type: number;
  body: Uint8Array;
}

const TYPE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  fillValue: 0x05,
  link: 0x06,
  layout: 0x08,
  groupInfo: 0x0a,
  attribute: 0x0c,
  attributeInfo: 0x15,
} as const;

/** Where the extents begin in the body of a dataspace message. */
export const EXTENTS_AT = 4;

/** Extents, unlimited in all axes where `unlimited`; no axes = a scalar. */
export function dataspace(shape: readonly number[], unlimited = false): Message {
  const writer = new ByteWriter().u8(2, shape.length, unlimited ? 1 : 0, shape.length === 0 ? 0 : 1);
  for (const extent of shape) writer.u64(extent);
  if (unlimited) { for (let i = 0; i < shape.length; i++) writer.u64(UNDEFINED_ADDRESS); }
  return { type: TYPE.dataspace, body: writer.done() };
}

export function datatype(encoded: Uint8Array): Message {
  return { type: TYPE.datatype, body: encoded };
}

/** Cells that were never written read as NaN; space is made when needed (chunks) or at once (scalars). */
export function fillNaN(allocation: "early" | "incremental"): Message {
  const when = allocation === "early" ? 1 : 3;
  const [ifSet, defined] = [2 << 2, 1 << 5];
  const nan = new Uint8Array(Float64Array.of(NaN).buffer);
  return {
    type: TYPE.fillValue,
    body: new ByteWriter().u8(3, when | ifSet | defined).u32(nan.length).bytes(nan).done(),
  };
}

/** Chunks of float64 under a version 2 B-tree, the index of datasets with several unlimited axes. */
export function chunkedLayout(chunk: readonly number[], nodeBytes: number, index: number): Message {
  const dims = [...chunk, Float64Array.BYTES_PER_ELEMENT];
  // As few bytes as the largest extent needs: the library refuses any other number.
  const bytes = Math.floor((Math.floor(Math.log2(Math.max(...dims))) + 8) / 8);
  const writer = new ByteWriter().u8(4, 2, 0, dims.length, bytes);
  for (const extent of dims) {
    for (let k = 0; k < bytes; k++) writer.u8(Math.floor(extent / 256 ** k) % 256);
  }
  return {
    type: TYPE.layout,
    body: writer.u8(5).u32(nodeBytes).u8(SPLIT_PERCENT, MERGE_PERCENT).u64(index).done(),
  };
}

export const SPLIT_PERCENT = 100;
export const MERGE_PERCENT = 40;

export function contiguousLayout(address: number, bytes: number): Message {
  return { type: TYPE.layout, body: new ByteWriter().u8(4, 1).u64(address).u64(bytes).done() };
}

/** An attribute; its data are the last bytes of the body. */
export function attribute(
  name: string,
  type: Uint8Array,
  shape: readonly number[],
  data: Uint8Array,
): Message {
  const encodedName = new TextEncoder().encode(`${name}\0`);
  const space = dataspace(shape).body;
  return {
    type: TYPE.attribute,
    body: new ByteWriter().u8(3, 0)
      .u16(encodedName.length).u16(type.length).u16(space.length).u8(1)
      .bytes(encodedName).bytes(type).bytes(space).bytes(data).done(),
  };
}

/** That attributes keep their order and lie in the header. */
export function attributeInfo(count: number): Message {
  return {
    type: TYPE.attributeInfo,
    body: new ByteWriter().u8(0, 3).u16(count).u64(UNDEFINED_ADDRESS).u64(UNDEFINED_ADDRESS)
      .u64(UNDEFINED_ADDRESS).done(),
  };
}

/** That the links of a group keep their order and lie in the header. */
export function linkInfo(count: number): Message {
  return {
    type: TYPE.linkInfo,
    body: new ByteWriter().u8(0, 3).u64(count).u64(UNDEFINED_ADDRESS).u64(UNDEFINED_ADDRESS)
      .u64(UNDEFINED_ADDRESS).done(),
  };
}

/** That a group may hold any number of links in its header. */
export function groupInfo(): Message {
  return { type: TYPE.groupInfo, body: new ByteWriter().u8(0, 1).u16(0xffff).u16(0).done() };
}

/** A hard link, the `order`-th of its group. */
export function link(name: string, order: number, address: number): Message {
  const encoded = new TextEncoder().encode(name);
  const [fourByteLength, withOrder, withCharacterSet] = [2, 4, 16];
  return {
    type: TYPE.link,
    body: new ByteWriter().u8(1, fourByteLength | withOrder | withCharacterSet)
      .u64(order).u8(1).u32(encoded.length).bytes(encoded).u64(address).done(),
  };
}

export function isAttribute({ type }: Message): boolean {
  return type === TYPE.attribute;
}
