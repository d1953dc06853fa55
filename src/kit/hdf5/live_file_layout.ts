/**
 * Datasets of a live file: netCDF-4 with one growing float64 dataset per numeric variable, complex ones as two
 * (`v__real`, `v__imag`), text left out.
 */
import type { LabelledArray } from "../labelled.ts";
import type { LiveOpen, LiveVariable } from "../live.ts";
import { bareDimensionAttributes, rootAttributes, variableAttributes } from "./live_file_attributes.ts";
import { longest, type StoredDimension, type StoredPart } from "./live_file_parts.ts";
import { type Dimension, planGroup } from "./netcdf_layout.ts";
import { GlobalHeap } from "./swmr/global_heap.ts";
import { GrowingDataset } from "./swmr/growing_dataset.ts";
import type { GrowingFile } from "./swmr/growing_file.ts";
import { attributeInfo, groupInfo, link, linkInfo, type Message } from "./swmr/messages.ts";
import { ObjectHeader } from "./swmr/object_header.ts";

export interface LiveFileLayout {
  /** Address of the root group. */
  root: number;
  parts: StoredPart[];
  dimensions: StoredDimension[];
}

/** Writes the structure of a run; values and extents follow by the datasets. */
export function layLiveFile(file: GrowingFile, open: LiveOpen): LiveFileLayout {
  const sources = open.variables.filter(({ dtype }) => dtype !== "text").flatMap(partsOf);
  const plan = planGroup({ arrays: sources.map(({ array }) => array), attrs: {} });
  const variables = plan.variables.map((planned) => {
    const source = sources.find(({ array }) => array === planned.array)!;
    return { ...source, planned, dataset: new GrowingDataset(file, source.variable.shape) };
  });

  const dimensions = new Map<Dimension, StoredDimension>();
  for (const dimension of plan.dimensions.values()) {
    const index = variables.find(({ planned }) => planned.indexes?.dimension === dimension)?.dataset;
    const uses = variables.filter(({ dataset }) => dataset !== index).flatMap(({ planned, dataset }) =>
      planned.dims.flatMap((dim, axis) => dim === dimension ? [{ dataset, axis }] : [])
    );
    const scale = index ?? new GrowingDataset(file, [longest(uses)]);
    dimensions.set(dimension, { id: dimension.id, scale, bare: !index, uses });
  }
  const parts = variables.map((variable) => ({
    ...variable,
    axes: variable.planned.dims.flatMap((dim) => dimensions.get(dim) ?? []),
  }));

  const measured = sources.filter(({ variable }) => variable.role === "measured").map(({ array }) => array);
  const datasets = [
    ...plan.bare.flatMap((planned): Placed[] => {
      const dimension = dimensions.get(planned);
      return dimension
        ? [{
          name: planned.scale.slice(1),
          dataset: dimension.scale,
          attributes: () => bareDimensionAttributes(dimension),
        }]
        : [];
    }),
    ...parts.map((part): Placed => ({
      name: part.planned.path.slice(1),
      dataset: part.dataset,
      attributes: (heap) => variableAttributes(part, part.planned, measured.indexOf(part.array), heap),
    })),
  ];
  const root = writeStructure(file, datasets, (heap) => rootAttributes(open, plan.coordinates, heap));
  return { root, parts, dimensions: [...dimensions.values()] };
}

interface Placed {
  name: string;
  dataset: GrowingDataset;
  attributes(heap: GlobalHeap): Message[];
}

/** Places every structure first, since they refer to each other, and writes it then. @returns the root's address */
function writeStructure(
  file: GrowingFile,
  datasets: Placed[],
  attributesOfRoot: (heap: GlobalHeap) => Message[],
): number {
  const describe = (heap: GlobalHeap): ObjectHeader => {
    for (const { dataset, attributes } of datasets) dataset.describe(attributes(heap));
    const attributes = attributesOfRoot(heap);
    return new ObjectHeader([
      linkInfo(datasets.length),
      groupInfo(),
      attributeInfo(attributes.length),
      ...attributes,
      ...datasets.map(({ name, dataset }, i) => link(name, i, dataset.address)),
    ]);
  };
  const root = file.allocate(describe(new GlobalHeap(0)).length);
  const heap = new GlobalHeap(file.end);
  file.write(root, describe(heap).sealed());
  file.append(heap.encoded());
  for (const { dataset } of datasets) dataset.settle();
  return root;
}

interface Source {
  variable: LiveVariable;
  part: 0 | 1;
  array: LabelledArray;
}

/** What the plan of a netCDF file needs to know; extents are no part of it, since they change. */
function partsOf(variable: LiveVariable): Source[] {
  const source = (name: string, part: 0 | 1): Source => ({
    variable,
    part,
    array: {
      name,
      dims: variable.dims,
      shape: variable.dims.map(() => 1),
      dtype: "f8",
      data: new Float64Array(1),
      attrs: {},
      role: variable.role === "setpoint" ? "coordinate" : "data",
    },
  });
  return variable.dtype === "c16"
    ? [source(`${variable.name}__real`, 0), source(`${variable.name}__imag`, 1)]
    : [source(variable.name, 0)];
}
