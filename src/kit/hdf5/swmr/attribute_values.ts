/** Attributes of the kinds that a live file has. */
import { fixedText, FLOAT64, REFERENCES, SCALE_USE, signedInteger, UTF8_TEXT } from "./datatypes.ts";
import { ByteWriter } from "./byte_writer.ts";
import type { GlobalHeap } from "./global_heap.ts";
import { attribute, type Message } from "./messages.ts";

/** Text of any length. */
export function textAttribute(name: string, text: string, heap: GlobalHeap): Message {
  return attribute(name, UTF8_TEXT, [], heap.store(new TextEncoder().encode(text)));
}

/** Text of its own fixed length, as HDF5's own attributes are. */
export function asciiAttribute(name: string, text: string): Message {
  return attribute(name, fixedText(text.length + 1), [], new TextEncoder().encode(`${text}\0`));
}

export function float64Attribute(
  name: string,
  values: readonly number[],
  shape: number[] = [values.length],
): Message {
  return attribute(name, FLOAT64, shape, bytesOf(Float64Array.from(values)));
}

export function int64Attribute(name: string, values: readonly number[]): Message {
  return attribute(name, signedInteger(8), [values.length], bytesOf(BigInt64Array.from(values.map(BigInt))));
}

export function int32Attribute(
  name: string,
  values: readonly number[],
  shape: number[] = [values.length],
): Message {
  return attribute(name, signedInteger(4), shape, bytesOf(Int32Array.from(values)));
}

export function int8Attribute(name: string, value: number): Message {
  return attribute(name, signedInteger(1), [], bytesOf(Int8Array.of(value)));
}

/** `DIMENSION_LIST`: the scale of each axis, by the address of its header. */
export function dimensionList(scales: readonly number[], heap: GlobalHeap): Message {
  const data = new ByteWriter();
  for (const scale of scales) data.bytes(heap.store(new ByteWriter().u64(scale).done(), 1));
  return attribute("DIMENSION_LIST", REFERENCES, [scales.length], data.done());
}

/** `REFERENCE_LIST`: which axes of which datasets a scale belongs to. */
export function referenceList(uses: readonly { dataset: number; axis: number }[]): Message {
  const data = new ByteWriter();
  for (const { dataset, axis } of uses) data.u64(dataset).u32(axis).u32(0);
  return attribute("REFERENCE_LIST", SCALE_USE, [uses.length], data.done());
}

function bytesOf(values: Float64Array | BigInt64Array | Int32Array | Int8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
