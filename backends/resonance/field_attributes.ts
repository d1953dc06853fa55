/** What a stream says of a field (`data_keys`) as attributes of a variable. */
import type { Attributes, AttrValue } from "../../src/kit/labelled.ts";
import { mapOf } from "./beamtime_database.ts";
import { plainJson } from "./event_column.ts";

/** Attributes by which xarray and netCDF change how values are read (CF conventions 1.11); kept under `<name>_`. */
const RESERVED = new Set([
  "_FillValue",
  "missing_value",
  "scale_factor",
  "add_offset",
  "_Unsigned",
  "calendar",
  "coordinates",
  "bounds",
  "grid_mapping",
  "ancillary_variables",
]);

/** @param field its own name, which the variable may not be able to bear */
export function fieldAttributes(field: string, description: unknown): Attributes {
  const attributes: Attributes = { long_name: field };
  for (const [name, value] of Object.entries(mapOf(description))) {
    const attribute = attributeOf(value);
    // `dtype=bool` on numbers would make xarray turn them into booleans.
    const reserved = RESERVED.has(name) || name === "dtype" && value === "bool";
    if (attribute !== undefined) attributes[reserved ? `${name}_` : name] = attribute;
  }
  return attributes;
}

function attributeOf(value: unknown): AttrValue | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value) && value.length > 0) {
    if (value.every((v) => typeof v === "number")) return Float64Array.from(value);
    if (value.every((v) => typeof v === "string")) return value;
  }
  return plainJson(value);
}
