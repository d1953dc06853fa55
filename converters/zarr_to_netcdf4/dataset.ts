/** A Zarr store as labelled arrays, with the names and roles that xarray gives them. */
import type { LabelledArray, LabelledDataset } from "../../src/kit/labelled.ts";
import type { ZarrArray, ZarrGroup, ZarrNode } from "../../src/kit/zarr/open_zarr.ts";
import { attributesOf, fillAttribute } from "./attributes.ts";
import { dimensionNames } from "./dimensions.ts";

/** Name of the variable when the whole store is one array. */
const LONE_ARRAY = "data";

/** Groups become groups; values are read when they are asked for. */
export function datasetOf(root: ZarrNode, log: (message: string) => void): LabelledDataset {
  if (root.kind === "group") return groupDataset(root, log);
  return { arrays: labelledArrays(new Map([[LONE_ARRAY, root]]), log), attrs: {} };
}

function groupDataset(group: ZarrGroup, log: (message: string) => void): LabelledDataset {
  const arrays = new Map<string, ZarrArray>();
  const groups: Record<string, LabelledDataset> = Object.create(null);
  for (const [name, node] of group.children()) {
    if (node.kind === "array") arrays.set(name, node);
    else groups[name] = groupDataset(node, log);
  }
  const attrs = attributesOf(group.attributes);
  return { arrays: labelledArrays(arrays, log, attrs.coordinates), attrs, groups };
}

function labelledArrays(
  arrays: Map<string, ZarrArray>,
  log: (message: string) => void,
  groupCoordinates?: unknown,
): LabelledArray[] {
  const dims = dimensionNames(arrays, log);
  const coordinates = new Set(namesIn(groupCoordinates));
  for (const { metadata } of arrays.values()) {
    for (const name of namesIn(metadata.attributes["coordinates"])) coordinates.add(name);
  }
  return [...arrays].map(([name, array]): LabelledArray => {
    const own = dims.get(name) ?? [];
    const isIndex = own.length === 1 && own[0] === name;
    return {
      name,
      dims: own,
      shape: array.shape,
      dtype: array.dtype,
      data: (start, length) => array.read(start, length),
      attrs: {
        ...attributesOf(array.metadata.attributes),
        ...array.metadata.type.timeAttributes,
        ...fillAttribute(array.metadata),
      },
      role: isIndex || coordinates.has(name) ? "coordinate" : "data",
    };
  });
}

/** The CF attribute `coordinates` lists names with blanks between. */
function namesIn(attribute: unknown): string[] {
  return typeof attribute === "string" ? attribute.split(/\s+/).filter((name) => name !== "") : [];
}
