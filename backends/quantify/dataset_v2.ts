/**
 * Quantify's dataset version 2 keeps every attribute as JSON text, except those that `json_serialize_exclude` names
 * (quantify_core.data.dataset_adapters.AdapterH5NetCDF).
 */
import type { Attributes, AttrValue } from "../../src/kit/labelled.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import type { Measurement } from "./measurement.ts";

const VERSION = "quantify_dataset_version";
const EXCLUDED = "json_serialize_exclude";

/** Whether the attributes of a measurement are JSON text. */
export function isVersion2({ attrs }: Measurement): boolean {
  return VERSION in attrs;
}

/** The measurement with attributes of their own types. `null` has none in netCDF and is left out. */
export function decodeVersion2(measurement: Measurement): Measurement {
  const groups = Object.entries(measurement.groups).map(([name, group]) =>
    [name, decodeVersion2(group)] as const
  );
  return {
    variables: measurement.variables.map((v) => ({ ...v, attrs: decodeAttributes(v.attrs) })),
    attrs: decodeAttributes(measurement.attrs),
    groups: Object.fromEntries(groups),
  };
}

function decodeAttributes(attrs: Attributes): Attributes {
  const list = parsed(attrs[EXCLUDED]);
  const excluded = new Set<unknown>(Array.isArray(list) ? list : []);
  return Object.fromEntries(
    Object.entries(attrs).flatMap(([name, value]) => {
      const decoded = excluded.has(name) ? value : decode(value);
      return decoded === null ? [] : [[name, decoded] as const];
    }),
  );
}

function parsed(value: AttrValue | undefined): unknown {
  if (typeof value !== "string") return value;
  try {
    return parseTolerantJson(value);
  } catch {
    return value;
  }
}

/** Lists and maps that netCDF cannot hold stay JSON text. */
function decode(value: AttrValue): AttrValue | null {
  const result = parsed(value);
  if (typeof value !== "string" || result === null || typeof result === "string") {
    return result as AttrValue | null;
  }
  if (typeof result === "boolean") return result;
  const isInteger = !/[.eE]|NaN|Infinity/.test(value);
  if (typeof result === "number") return isInteger ? BigInt(result) : result;
  if (!Array.isArray(result)) return value;
  if (result.every((item) => typeof item === "string")) return result;
  if (!result.every((item) => typeof item === "number")) return value;
  return isInteger ? BigInt64Array.from(result, BigInt) : Float64Array.from(result);
}
