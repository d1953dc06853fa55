/** Reads arrays in NumPy's .npy format (numpy.lib.format, versions 1.0, 2.0 and 3.0), as QCoDeS stores them in blobs. */
import { SyncError } from "./errors.ts";
import { type Dtype, type NumericArray, sizeOf, type Values } from "./labelled.ts";

export interface NpyArray {
  dtype: Dtype;
  shape: number[];
  /** Flat, C order. */
  values: Values;
}

interface Header {
  shape: number[];
  size: number;
  fortran: boolean;
  decode: (data: Uint8Array, count: number) => Values;
  dtype: Dtype;
  itemBytes: number;
  /** The header's bytes, to know the next array's header again without parsing it. */
  bytes: Uint8Array;
}

let lastHeader: Header | undefined;

/**
 * Decodes one .npy array. Numbers may share memory with `npy`.
 * @throws SyncError `npy_corrupt` or `npy_unsupported` (class data)
 */
export function decodeNpy(npy: Uint8Array): NpyArray {
  const header = lastHeader && startsWith(npy, lastHeader.bytes) ? lastHeader : parseHeader(npy);
  lastHeader = header;
  const data = npy.subarray(header.bytes.length);
  if (data.length !== header.size * header.itemBytes) {
    throw corrupt(`${data.length} bytes of data, expected ${header.size * header.itemBytes}`);
  }
  const values = header.decode(data, header.size);
  return {
    dtype: header.dtype,
    shape: header.shape,
    values: header.fortran && header.shape.length > 1 ? toCOrder(values, header.shape, header.dtype) : values,
  };
}

function corrupt(reason: string): SyncError {
  return new SyncError("data", "npy_corrupt", `not a valid .npy array: ${reason}`, {
    hint: "The data are damaged where they are stored.",
  });
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  if (bytes.length < start.length) return false;
  for (let i = 0; i < start.length; i++) if (bytes[i] !== start[i]) return false;
  return true;
}

const HEADER =
  /^\{\s*'descr':\s*'([^']+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d,\s]*)\),?\s*\}\s*$/;

function parseHeader(npy: Uint8Array): Header {
  if (npy.length < 10 || npy[0] !== 0x93 || String.fromCharCode(...npy.subarray(1, 6)) !== "NUMPY") {
    throw corrupt("the magic bytes are missing");
  }
  const version = npy[6];
  if (version !== 1 && version !== 2 && version !== 3) throw corrupt(`version ${version} is not known`);
  const view = new DataView(npy.buffer, npy.byteOffset, npy.byteLength);
  if (version > 1 && npy.length < 12) throw corrupt("the header is cut off");
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > npy.length) throw corrupt("the header is cut off");
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(npy.subarray(start, end));
  const match = HEADER.exec(text);
  if (!match) {
    throw text.includes("'descr': [")
      ? unsupported("records of several fields")
      : corrupt("the header cannot be understood");
  }
  const [, descr = "", fortran, dims = ""] = match;
  const shape = dims.split(",").map((d) => d.trim()).filter(Boolean).map(Number);
  const size = sizeOf(shape);
  if (!Number.isSafeInteger(size)) throw corrupt(`impossible shape (${dims})`);
  return { shape, size, fortran: fortran === "True", bytes: npy.slice(0, end), ...codecOf(descr) };
}

function unsupported(what: string): SyncError {
  return new SyncError("data", "npy_unsupported", `.npy arrays of ${what} cannot be stored in netCDF`, {
    hint: "Store numbers, booleans or text in arrays.",
  });
}

type NumericConstructor = {
  new (buffer: ArrayBuffer, offset: number, length: number): NumericArray;
  readonly BYTES_PER_ELEMENT: number;
};

const NUMERIC: Record<string, [Dtype, NumericConstructor, components?: number]> = {
  f4: ["f4", Float32Array],
  f8: ["f8", Float64Array],
  i1: ["i1", Int8Array],
  i2: ["i2", Int16Array],
  i4: ["i4", Int32Array],
  i8: ["i8", BigInt64Array],
  u1: ["u1", Uint8Array],
  u2: ["u2", Uint16Array],
  u4: ["u4", Uint32Array],
  u8: ["u8", BigUint64Array],
  b1: ["bool", Uint8Array],
  c8: ["c8", Float32Array, 2],
  c16: ["c16", Float64Array, 2],
};

function codecOf(descr: string): Pick<Header, "decode" | "dtype" | "itemBytes"> {
  const swap = descr.startsWith(">");
  const type = descr.replace(/^[<>|=]/, "");
  const numeric = NUMERIC[type];
  if (numeric) {
    const [dtype, array, components = 1] = numeric;
    const bytes = array.BYTES_PER_ELEMENT;
    return {
      dtype,
      itemBytes: bytes * components,
      decode: (data, count) => {
        const aligned = swap || data.byteOffset % bytes !== 0 ? data.slice() : data;
        if (swap) {
          for (let i = 0; i < aligned.length; i += bytes) aligned.subarray(i, i + bytes).reverse();
        }
        return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, count * components);
      },
    };
  }
  if (type === "f2") {
    return {
      dtype: "f4",
      itemBytes: 2,
      decode: (data, count) => {
        const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        return Float32Array.from({ length: count }, (_, i) => view.getFloat16(2 * i, !swap));
      },
    };
  }
  const text = /^([US])(\d+)$/.exec(type);
  if (text) {
    const length = Number(text[2]);
    return text[1] === "U"
      ? { dtype: "text", itemBytes: 4 * length, decode: (data, count) => unicode(data, count, length, swap) }
      : { dtype: "text", itemBytes: length, decode: (data, count) => byteStrings(data, count, length) };
  }
  throw unsupported(`type "${descr}"`);
}

/** Fixed-length UTF-32 text, padded with NULs. */
function unicode(data: Uint8Array, count: number, length: number, swap: boolean): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: count }, (_, i) => {
    let text = "";
    let pending = "";
    for (let k = 0; k < length; k++) {
      const code = view.getUint32(4 * (i * length + k), !swap);
      if (code > 0x10ffff) throw corrupt(`${code} is no Unicode character`);
      pending += String.fromCodePoint(code);
      // Only NULs at the end are padding.
      if (code !== 0) {
        text += pending;
        pending = "";
      }
    }
    return text;
  });
}

function byteStrings(data: Uint8Array, count: number, length: number): string[] {
  const decoder = new TextDecoder();
  return Array.from(
    { length: count },
    (_, i) => decoder.decode(data.subarray(i * length, (i + 1) * length)).replace(/\0+$/, ""),
  );
}

/** Reorders values stored with the first index fastest. */
function toCOrder(values: Values, shape: readonly number[], dtype: Dtype): Values {
  const width = dtype === "c8" || dtype === "c16" ? 2 : 1;
  const out = values.slice();
  const index = shape.map(() => 0);
  const strides = shape.map((_, i) => sizeOf(shape.slice(0, i)));
  for (let i = 0; i < sizeOf(shape); i++) {
    const from = index.reduce((sum, n, axis) => sum + n * (strides[axis] ?? 0), 0);
    for (let k = 0; k < width; k++) out[i * width + k] = values[from * width + k] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (index[axis] !== 0) break;
    }
  }
  return out;
}
