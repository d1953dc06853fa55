/** Zarr attributes (JSON) as netCDF attributes. */
import type { Attributes, AttrValue } from "../../src/kit/labelled.ts";
import type { ZarrArrayMetadata } from "../../src/kit/zarr/array_metadata.ts";
import { floatOf } from "../../src/kit/zarr/fill_value.ts";
import { type JsonObject, type JsonValue, toJsonText } from "../../src/kit/zarr/zarr_json.ts";

/** Text, numbers and booleans stay what they are; lists, maps and null become JSON text. */
export function attributesOf(attributes: JsonObject): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)]));
}

function attributeOf(value: JsonValue): AttrValue {
  return typeof value === "object" ? toJsonText(value) : value;
}

/**
 * The CF attribute `_FillValue`, which marks elements as missing.
 *
 * In format 3 xarray stores it as an attribute (floats as base64). In format 2 it is Zarr's own fill value; there zero
 * is also what zarr-python fills in when nobody asked for it, so a zero is not taken for a mark: measured zeros must
 * not turn into NaN.
 */
export function fillAttribute({ format, type, attributes, rawFill }: ZarrArrayMetadata): Attributes {
  if (type.timeAttributes._FillValue !== undefined) return {};
  const stored = attributes["_FillValue"];
  const value = stored ?? (format === 2 ? rawFill : undefined);
  if (value === undefined || value === null) return {};
  if (type.dtype === "f4" || type.dtype === "f8") {
    const number = floatOf(value, type.itemBytes ?? 8);
    return number === undefined || stored === undefined && number === 0 ? {} : { _FillValue: number };
  }
  if (typeof value === "bigint" && (stored !== undefined || value !== 0n)) return { _FillValue: value };
  return {};
}
