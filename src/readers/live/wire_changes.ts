/** Changes of a session in the form in which they go out on the stream. */
import type { LiveChange, LivePatch, LiveValues } from "../../kit/live.ts";
import type { WireChange } from "./protocol.ts";

/** Values in one patch on the wire: a line must stay short of the limit, and be worked off in some ms. */
const MOST_VALUES = 1 << 18;

/** Each change as one or, where a patch is large, several blocks of it. */
export function* wireChanges(changes: readonly LiveChange[]): Generator<WireChange> {
  for (const change of changes) {
    if (change.type !== "patch") yield change;
    else for (const part of parts(change)) yield encoded(part);
  }
}

function encoded({ var: name, offset, shape, values }: LivePatch): WireChange {
  const place = { type: "patch" as const, var: name, offset, shape };
  if (Array.isArray(values)) return { ...place, encoding: "json", data: values };
  const encoding = values instanceof BigInt64Array ? "i64le" : "f64le";
  return { ...place, encoding, data: littleEndian(values).toBase64() };
}

function littleEndian(values: Float64Array | BigInt64Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (LITTLE) return bytes as Uint8Array<ArrayBuffer>;
  const swapped = bytes.slice();
  for (let at = 0; at < swapped.length; at += 8) swapped.subarray(at, at + 8).reverse();
  return swapped as Uint8Array<ArrayBuffer>;
}

const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Cuts a block along its first axis that is longer than 1 into blocks that are small enough. */
function* parts(patch: LivePatch): Generator<LivePatch> {
  const { offset, shape, values } = patch;
  const axis = shape.findIndex((n) => n > 1);
  const length = shape[axis] ?? 1;
  if (values.length <= MOST_VALUES || axis < 0) return yield patch;
  const perRow = values.length / length;
  const rows = Math.max(1, Math.floor(MOST_VALUES / perRow));
  for (let row = 0; row < length; row += rows) {
    const count = Math.min(rows, length - row);
    yield* parts({
      ...patch,
      offset: offset.with(axis, (offset[axis] ?? 0) + row),
      shape: shape.with(axis, count),
      values: cut(values, row * perRow, (row + count) * perRow),
    });
  }
}

const cut = (values: LiveValues, from: number, to: number): LiveValues =>
  Array.isArray(values) ? values.slice(from, to) : values.subarray(from, to);
