/** Attributes in the form that xarray writes them: text as a scalar string, numbers as lists of one or more. */
import type { Attributes, AttrValue, NumericArray } from "../labelled.ts";
import { change, type OpenNetcdf, withBytes } from "./netcdf_file.ts";
import { DistinctNames, netcdfAttributeName, netcdfText } from "./netcdf_names.ts";
import { dtypeOfArray, STORED } from "./stored_types.ts";

/** Writes attributes in the given order; `path` is the HDF5 path of a group or dataset. */
export function writeAttributes(file: OpenNetcdf, path: string, attributes: Attributes): void {
  const names = new DistinctNames();
  for (const [name, value] of Object.entries(attributes)) {
    writeAttribute(file, path, names.take(netcdfAttributeName(name)), value);
  }
}

/** Writes one attribute under exactly this name. */
export function writeAttribute(file: OpenNetcdf, path: string, name: string, value: AttrValue): void {
  change(`${file.name}: attribute ${name} of ${path}`, () => {
    if (typeof value === "string") writeText(file, path, name, [netcdfText(value)], []);
    else if (Array.isArray(value) && value.length > 0) {
      writeText(file, path, name, value.map(netcdfText), [value.length]);
    } else writeNumbers(file, path, name, numbersOf(value));
  });
}

/** Writes an attribute as one int32, not a list: the form of `_Netcdf4Dimid`. */
export function writeIndex(file: OpenNetcdf, path: string, name: string, value: number): void {
  change(
    `${file.name}: attribute ${name} of ${path}`,
    () => writeNumbers(file, path, name, Int32Array.of(value), []),
  );
}

/** Writes an attribute as fixed-length ASCII: the form of `_NCProperties`. */
export function writeAscii(file: OpenNetcdf, path: string, name: string, value: string): void {
  const metadata = { ...file.typeOf(`A${value.length}`), shape: [], maxshape: null };
  change(`${file.name}: attribute ${name} of ${path}`, () =>
    withBytes(
      file.module,
      new TextEncoder().encode(value),
      (pointer) => file.module.create_attribute(file.id, path, name, pointer, metadata),
    ));
}

function writeText(file: OpenNetcdf, path: string, name: string, values: string[], shape: number[]): void {
  const metadata = { ...file.typeOf("S"), shape: shape.map(BigInt), maxshape: null };
  file.module.create_vlen_str_attribute(file.id, path, name, values, metadata);
}

function writeNumbers(
  file: OpenNetcdf,
  path: string,
  name: string,
  values: NumericArray,
  shape: number[] = [values.length],
): void {
  const metadata = {
    ...file.typeOf(STORED[dtypeOfArray(values)].notation),
    shape: shape.map(BigInt),
    maxshape: null,
  };
  withBytes(
    file.module,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    (pointer) => file.module.create_attribute(file.id, path, name, pointer, metadata),
  );
}

/** Numbers are stored as f8, integers as i8 (u8 or f8 when too large), booleans as i1, empty lists as no f8 values. */
function numbersOf(value: Exclude<AttrValue, string>): NumericArray {
  if (typeof value === "number") return Float64Array.of(value);
  if (typeof value === "boolean") return Int8Array.of(value ? 1 : 0);
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) === value) return BigInt64Array.of(value);
    if (BigInt.asUintN(64, value) === value) return BigUint64Array.of(value);
    return Float64Array.of(Number(value));
  }
  return Array.isArray(value) ? new Float64Array(0) : value;
}
