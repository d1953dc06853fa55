/** Plans a netCDF-4 group: names on disk, dimensions with their ids and scales, the `coordinates` attributes. */
import { type LabelledArray, type LabelledDataset, sizeOf } from "../labelled.ts";
import { compareCodePoints } from "./code_points.ts";
import { NON_COORDINATE } from "./conventions.ts";
import { DistinctNames, netcdfName } from "./netcdf_names.ts";
import { invalidDataset } from "./stored_types.ts";

export interface Dimension {
  /** Position in the file's list of dimensions (`_Netcdf4Dimid`). */
  id: number;
  size: number;
  /** HDF5 path of its scale. */
  scale: string;
}

/** The dimensions that a group sees, by name: its own and those of the groups around it. */
export type Dimensions = ReadonlyMap<string, Dimension>;

export interface PlannedVariable {
  array: LabelledArray;
  /** HDF5 path of the dataset. */
  path: string;
  dims: Dimension[];
  /** Set when the variable is the scale of a dimension of this group: its index. */
  indexes?: { name: string; dimension: Dimension };
  /** Names for the `coordinates` attribute, or "". */
  coordinates: string;
}

export interface GroupPlan {
  /** `/` or `/a/b`. */
  path: string;
  dimensions: Dimensions;
  /** Dimensions of this group without an index, in order of their ids. */
  bare: Dimension[];
  /** Coordinates first, each kind in the order given. */
  variables: PlannedVariable[];
  /** Coordinates that no variable names, for the group's `coordinates` attribute, or "". */
  coordinates: string;
  groups: GroupPlan[];
  dataset: LabelledDataset;
}

/**
 * Plans a dataset and its groups.
 * @throws SyncError `netcdf_invalid_dataset` when one dimension has two sizes, or dims and shape differ in number
 */
export function planGroup(
  dataset: LabelledDataset,
  path = "/",
  outer: Dimensions = new Map(),
  nextId = { value: 0 },
): GroupPlan {
  const arrays = [
    ...dataset.arrays.filter((array) => array.role === "coordinate"),
    ...dataset.arrays.filter((array) => array.role === "data"),
  ];
  const inside = (name: string) => path === "/" ? `/${name}` : `${path}/${name}`;
  const { all, own } = collectDimensions(arrays, outer, inside, nextId);

  const taken = new DistinctNames();
  for (const name of own.keys()) taken.take(name);
  const named = arrays.map((array) => {
    const name = netcdfName(array.name);
    const dims = array.dims.map((dim) => all.get(netcdfName(dim))).filter((dim) => dim !== undefined);
    const dimension = isIndex(array) ? own.get(name) : undefined;
    if (dimension) return { array, name, dims, path: dimension.scale, indexes: { name, dimension } };
    // netCDF's way of storing a variable that shares its name with a dimension it does not index.
    const stored = taken.take(own.has(name) ? NON_COORDINATE + name : name);
    return { array, name: own.has(name) ? name : stored, dims, path: inside(stored) };
  });

  const auxiliary = named.filter(({ array, name }) =>
    array.role === "coordinate" && !all.has(name) && !name.includes(" ")
  );
  const mentioned = new Set<string>();
  const variables = named.map((variable): PlannedVariable => {
    const explicit = variable.array.attrs.coordinates;
    if (typeof explicit === "string") {
      for (const name of explicit.split(/\s+/)) mentioned.add(name);
      return { ...variable, coordinates: "" };
    }
    const names = auxiliary.includes(variable) || variable.indexes ? [] : auxiliary
      .filter((coordinate) => coordinate.dims.every((dim) => variable.dims.includes(dim)))
      .map((coordinate) => coordinate.name);
    for (const name of names) mentioned.add(name);
    return { ...variable, coordinates: joined(names) };
  });

  return {
    path,
    dimensions: all,
    bare: [...own.values()].filter((dim) => !variables.some((variable) => variable.path === dim.scale)),
    variables,
    coordinates: "coordinates" in dataset.attrs
      ? ""
      : joined(auxiliary.map(({ name }) => name).filter((name) => !mentioned.has(name))),
    groups: Object.entries(dataset.groups ?? {}).map(([name, group]) =>
      planGroup(group, inside(taken.take(netcdfName(name))), all, nextId)
    ),
    dataset,
  };
}

/** The one coordinate of a dimension that labels its positions: 1-D and of the same name. */
function isIndex(array: LabelledArray): boolean {
  return array.dims.length === 1 && array.dims[0] === array.name;
}

function joined(names: string[]): string {
  return names.sort(compareCodePoints).join(" ");
}

/** Numbers the dimensions in order of appearance; a group reuses an outer dimension of the same name and size. */
function collectDimensions(
  arrays: LabelledArray[],
  outer: Dimensions,
  inside: (name: string) => string,
  nextId: { value: number },
): { all: Map<string, Dimension>; own: Map<string, Dimension> } {
  const all = new Map(outer);
  const own = new Map<string, Dimension>();
  const define = (name: string, size: number) => {
    const dimension = { id: nextId.value++, size, scale: inside(name) };
    all.set(name, dimension);
    own.set(name, dimension);
  };
  for (const array of arrays) {
    if (isIndex(array) && !own.has(netcdfName(array.name))) {
      define(netcdfName(array.name), sizeOf(array.shape));
    }
  }
  for (const array of arrays) {
    if (array.dims.length !== array.shape.length) {
      throw invalidDataset(
        `variable ${array.name}: ${array.dims.length} dims, but rank ${array.shape.length}`,
      );
    }
    for (const [axis, dim] of array.dims.entries()) {
      const name = netcdfName(dim);
      const size = array.shape[axis] ?? 0;
      const known = all.get(name);
      if (known?.size === size) continue;
      if (own.has(name)) {
        throw invalidDataset(
          `variable ${array.name}: dimension ${dim} has size ${size} here and ${known?.size} elsewhere`,
        );
      }
      define(name, size);
    }
  }
  return { all, own };
}
