/**
 * Measurements out of netCDF-3 classic files (`CDF\x01`, `CDF\x02`), which Quantify wrote until early 2021.
 * Format: NetCDF Classic Format Specification, appendix B of the NetCDF User's Guide.
 */
import { NetCDFReader } from "netcdfjs";
import { z } from "zod";
import { SyncError } from "../../src/kit/errors.ts";
import { columnOf } from "../../src/kit/grid/column.ts";
import { type Attributes, type AttrValue, type Dtype, sizeOf, type Values } from "../../src/kit/labelled.ts";
import { applyCoordinates, type Measurement, type Variable } from "./measurement.ts";

/** The whole file is held in memory; larger ones were never written by Quantify. */
const LARGEST_FILE = 256 << 20;

/** Fill values are NaN, which `z.number()` refuses. */
const AnyNumber = z.custom<number>((value) => typeof value === "number");

const Attribute = z.object({
  name: z.string(),
  type: z.enum(["byte", "char", "short", "int", "float", "double"]),
  value: z.union([z.string(), AnyNumber, z.array(AnyNumber)]),
});
type Attribute = z.infer<typeof Attribute>;

const Header = z.object({
  dimensions: z.array(z.object({ name: z.string(), size: z.number() })).default([]),
  recordDimension: z.object({
    length: z.number(),
    id: z.number().optional(),
    recordStep: z.number().optional(),
  }),
  globalAttributes: z.array(Attribute),
  variables: z.array(z.object({
    name: z.string(),
    dimensions: z.array(z.number()),
    attributes: z.array(Attribute),
    type: Attribute.shape.type,
    offset: z.number(),
    record: z.boolean(),
  })).default([]),
});
type Header = z.infer<typeof Header>;

type NumericKind = Exclude<Attribute["type"], "char">;
const NUMBERS = {
  byte: { dtype: "i1", array: Int8Array, get: (v: DataView, at: number) => v.getInt8(at) },
  short: { dtype: "i2", array: Int16Array, get: (v: DataView, at: number) => v.getInt16(at) },
  int: { dtype: "i4", array: Int32Array, get: (v: DataView, at: number) => v.getInt32(at) },
  float: { dtype: "f4", array: Float32Array, get: (v: DataView, at: number) => v.getFloat32(at) },
  double: { dtype: "f8", array: Float64Array, get: (v: DataView, at: number) => v.getFloat64(at) },
} as const satisfies Record<NumericKind, { dtype: Dtype; array: unknown; get: unknown }>;

/**
 * Reads a netCDF-3 file.
 * @throws SyncError data `netcdf3_unreadable` when it is cut off, damaged or too large
 */
export function readNetcdf3(path: string): Measurement {
  const size = Deno.statSync(path).size;
  if (size > LARGEST_FILE) throw unreadable(path, `it is larger than ${LARGEST_FILE} bytes`);
  const bytes = Deno.readFileSync(path);
  try {
    const header = Header.parse(new NetCDFReader(bytes).header);
    const variables = header.variables.map((v) => readVariable(bytes, header, v));
    return applyCoordinates(variables, attributesOf(header.globalAttributes));
  } catch (e) {
    const reason = e instanceof z.ZodError ? "its header contradicts itself" : String(e);
    throw e instanceof SyncError ? e : unreadable(path, reason, e);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): SyncError {
  return new SyncError("data", "netcdf3_unreadable", `${path}: the netCDF-3 file cannot be read: ${reason}`, {
    hint: "The file is damaged or cut off; copy it again from where it was written.",
    cause,
  });
}

function readVariable(bytes: Uint8Array, header: Header, variable: Header["variables"][number]): Variable {
  const dimensions = variable.dimensions.map((id) => {
    const dimension = header.dimensions[id];
    if (!dimension) throw new RangeError(`variable ${variable.name} has an unknown dimension`);
    const isRecord = id === header.recordDimension.id;
    return { name: utf8(dimension.name), size: isRecord ? header.recordDimension.length : dimension.size };
  });
  const name = utf8(variable.name);
  // Texts are UTF-8 everywhere in netCDF-4.
  const { _Encoding: _, ...attrs } = attributesOf(variable.attributes);
  const stored = dimensions.map((d) => d.size);
  const isText = variable.type === "char";
  // The last dimension of characters is the length of the texts, as everywhere in netCDF-3.
  const dims = isText ? dimensions.slice(0, -1) : dimensions;
  const shape = dims.map((d) => d.size);
  const values = isText
    ? texts(bytes, offsetsOf(bytes, header, variable, stored, 1), stored)
    : numbers(bytes, header, variable, variable.type as NumericKind, stored);
  return {
    name,
    dims: dims.map((d) => d.name),
    shape,
    attrs,
    role: dims.length === 1 && dims[0]?.name === name ? "coordinate" : "data",
    column: columnOf(isText ? "text" : NUMBERS[variable.type as NumericKind].dtype, values),
  };
}

interface Runs {
  /** Positions of the runs of values: one for a whole variable, or one for each record. */
  starts: number[];
  /** Values of one run. */
  length: number;
}

/** Where values lie, checked against the size of the file before anything is allocated. */
function offsetsOf(
  bytes: Uint8Array,
  header: Header,
  { name, record, offset }: Header["variables"][number],
  shape: readonly number[],
  itemBytes: number,
): Runs {
  const length = sizeOf(record ? shape.slice(1) : shape);
  // Records are padded to four bytes, unless there is only one variable that has them.
  const isOnly = header.variables.filter((v) => v.record).length === 1;
  const step = isOnly ? length * itemBytes : header.recordDimension.recordStep ?? 0;
  const records = record ? shape[0] ?? 0 : 1;
  const end = records === 0 ? 0 : offset + (records - 1) * step + length * itemBytes;
  // Values of a record variable cannot overlap, hence not outnumber the bytes.
  if (end > bytes.length || (record && length * itemBytes > Math.max(step, 0) && records > 1)) {
    throw new RangeError(`variable ${name} ends at byte ${end} of ${bytes.length}`);
  }
  if (record && records > bytes.length) throw new RangeError(`variable ${name} has ${records} records`);
  return { starts: Array.from({ length: records }, (_, i) => offset + i * step), length };
}

function numbers(
  bytes: Uint8Array,
  header: Header,
  variable: Header["variables"][number],
  kind: NumericKind,
  shape: readonly number[],
): Values {
  const { array, get } = NUMBERS[kind];
  const itemBytes = array.BYTES_PER_ELEMENT;
  const { starts, length } = offsetsOf(bytes, header, variable, shape, itemBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new array(starts.length * length);
  starts.forEach((start, run) => {
    for (let i = 0; i < length; i++) out[run * length + i] = get(view, start + i * itemBytes);
  });
  return out;
}

function texts(bytes: Uint8Array, { starts, length }: Runs, shape: readonly number[]): string[] {
  const width = shape.at(-1) ?? 1;
  const isRecordOfCharacters = starts.length > 1 && shape.length === 1;
  if (isRecordOfCharacters) {
    return [decodeText(Uint8Array.from(starts, (start) => bytes[start] ?? 0))];
  }
  const perRun = width === 0 ? 0 : length / width;
  return starts.flatMap((start) =>
    Array.from(
      { length: perRun },
      (_, i) => decodeText(bytes.subarray(start + i * width, start + (i + 1) * width)),
    )
  );
}

const decoder = new TextDecoder();
const decodeText = (bytes: Uint8Array) => decoder.decode(bytes).replace(/\0+$/, "");

/** The library takes every byte for one character; texts are UTF-8. */
function utf8(latin1: string): string {
  return decoder.decode(Uint8Array.from(latin1, (c) => c.charCodeAt(0)));
}

function attributesOf(attributes: readonly Attribute[]): Attributes {
  return Object.fromEntries(attributes.map((a) => [utf8(a.name), attributeValue(a)]));
}

function attributeValue({ type, value }: Attribute): AttrValue {
  if (type === "char") return utf8(String(value));
  if (typeof value === "string") return value;
  return NUMBERS[type].array.from(Array.isArray(value) ? value : [value]);
}
