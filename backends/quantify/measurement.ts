/** The content of one data file, whichever format it came from: variables whose values are read when needed. */
import type { Column } from "../../src/kit/grid/column.ts";
import type { Attributes, LabelledArray, LabelledDataset } from "../../src/kit/labelled.ts";

export interface Variable {
  name: string;
  dims: string[];
  shape: number[];
  attrs: Attributes;
  role: "coordinate" | "data";
  /** Values, flat in C order. */
  column: Column;
}

export interface Measurement {
  variables: Variable[];
  attrs: Attributes;
  groups: Record<string, Measurement>;
}

/** The measurement as labelled arrays, still read when needed. */
export function labelled({ variables, attrs, groups }: Measurement): LabelledDataset {
  const inner = Object.entries(groups).map(([name, group]) => [name, labelled(group)] as const);
  return {
    arrays: variables.map(labelledArray),
    attrs,
    ...(inner.length > 0 ? { groups: Object.fromEntries(inner) } : {}),
  };
}

function labelledArray({ column, ...variable }: Variable): LabelledArray {
  return { ...variable, dtype: column.dtype, data: (start, length) => column.read(start, length) };
}

/**
 * Gives the variables named in a `coordinates` attribute the role of coordinates, by xarray's rule: all or none of the
 * names have to be there. The attribute goes; the writer makes a new one.
 */
export function applyCoordinates(variables: readonly Variable[], attrs: Attributes): Measurement {
  const names = new Set(variables.map((v) => v.name));
  const coordinates = new Set<string>();
  const take = (attributes: Attributes): Attributes => {
    const { coordinates: list, ...rest } = attributes;
    if (typeof list !== "string") return attributes;
    const named = list.split(/\s+/).filter((name) => name !== "");
    if (!named.every((name) => names.has(name))) return attributes;
    for (const name of named) coordinates.add(name);
    return rest;
  };
  const cleaned = variables.map((v) => ({ ...v, attrs: take(v.attrs) }));
  const rootAttrs = take(attrs);
  return {
    variables: cleaned.map((v) => coordinates.has(v.name) ? { ...v, role: "coordinate" } : v),
    attrs: rootAttrs,
    groups: {},
  };
}
