/** Attributes of a live file, as qdrive's live datasets have them, and those that make it netCDF. */
import type { LiveOpen } from "../live.ts";
import { BARE_DIMENSION } from "./conventions.ts";
import type { StoredDimension, StoredPart } from "./live_file_parts.ts";
import type { PlannedVariable } from "./netcdf_layout.ts";
import { DistinctNames, netcdfAttributeName, netcdfText } from "./netcdf_names.ts";
import {
  asciiAttribute,
  dimensionList,
  float64Attribute,
  int32Attribute,
  int64Attribute,
  int8Attribute,
  referenceList,
  textAttribute,
} from "./swmr/attribute_values.ts";
import type { GlobalHeap } from "./swmr/global_heap.ts";
import type { Message } from "./swmr/messages.ts";

/** Provenance as netCDF-C leaves it. */
const PROPERTIES = "version=2,etiket-sync=1";

/** @param place position among the measured variables; −1 for setpoints */
export function variableAttributes(
  { variable, part, axes, dataset }: StoredPart,
  { coordinates, indexes, dims }: PlannedVariable,
  place: number,
  heap: GlobalHeap,
): Message[] {
  const label = netcdfText(variable.long_name || variable.name);
  const parts = ["real part", "imaginary part"];
  return [
    float64Attribute("_FillValue", [NaN]),
    textAttribute("long_name", variable.dtype === "c16" ? `${label} (${parts[part]})` : label, heap),
    textAttribute("units", netcdfText(variable.units ?? ""), heap),
    ...place >= 0 ? [int64Attribute("_param_index", [0, place])] : [],
    ...coordinates ? [textAttribute("coordinates", coordinates, heap)] : [],
    ...dims.length > 0
      ? [dimensionId(dims[0]!.id), int32Attribute("_Netcdf4Coordinates", dims.map(({ id }) => id))]
      : [],
    ...indexes
      ? axes.filter(({ scale }) => scale === dataset).flatMap((axis) => scaleAttributes(axis, indexes.name))
      : dims.length > 0
      ? [dimensionList(axes.map(({ scale }) => scale.address), heap)]
      : [],
  ];
}

export function bareDimensionAttributes(dimension: StoredDimension): Message[] {
  const name = BARE_DIMENSION + String(dimension.scale.extent[0]).padStart(10);
  return [...scaleAttributes(dimension, name), dimensionId(dimension.id)];
}

/** Name of the run, `snapshot` and what else is known; what is neither text nor number is kept as JSON text. */
export function rootAttributes(
  { attrs, name: run }: LiveOpen,
  coordinates: string,
  heap: GlobalHeap,
): Message[] {
  const names = new DistinctNames();
  const facts = { name: run, ...coordinates ? { coordinates } : {}, ...attrs };
  return [
    asciiAttribute("_NCProperties", PROPERTIES),
    ...Object.entries(facts).filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => fact(names.take(netcdfAttributeName(key)), value, heap)),
  ];
}

function fact(name: string, value: unknown, heap: GlobalHeap): Message {
  if (typeof value === "number") return float64Attribute(name, [value], []);
  if (typeof value === "boolean") return int8Attribute(name, Number(value));
  return textAttribute(name, netcdfText(typeof value === "string" ? value : jsonText(value)), heap);
}

function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => typeof item === "bigint" ? Number(item) : item) ?? "";
}

function scaleAttributes({ uses }: StoredDimension, name: string): Message[] {
  const places = uses.map(({ dataset, axis }) => ({ dataset: dataset.address, axis }));
  return [
    asciiAttribute("CLASS", "DIMENSION_SCALE"),
    asciiAttribute("NAME", name),
    ...places.length > 0 ? [referenceList(places)] : [],
  ];
}

function dimensionId(id: number): Message {
  return int32Attribute("_Netcdf4Dimid", [id], []);
}
