/**
 * Datasets and attributes of a live file: netCDF-4 with one growing float64 dataset per numeric variable, complex ones
 * as two (`v__real`, `v__imag`), text left out.
 */
import type { LiveOpen, LiveVariable } from "../live.ts";
import type { LabelledArray } from "../labelled.ts";
import { BARE_DIMENSION } from "./conventions.ts";
import { type Dimension, type GroupPlan, planGroup, type PlannedVariable } from "./netcdf_layout.ts";
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
import { GlobalHeap } from "./swmr/global_heap.ts";
import type { GrowingFile } from "./swmr/growing_file.ts";
import { GrowingDataset } from "./swmr/growing_dataset.ts";
import { attributeInfo, groupInfo, link, linkInfo, type Message } from "./swmr/messages.ts";
import { ObjectHeader } from "./swmr/object_header.ts";

/** Provenance as netCDF-C leaves it. */
const PROPERTIES = "version=2,etiket-sync=1";

/** A variable's dataset: of complex ones, that of one part. */
export interface StoredPart {
  variable: LiveVariable;
  part: 0 | 1;
  dataset: GrowingDataset;
}

/** The dataset that stands for a dimension without values; its extent is the largest of those that use it. */
export interface StoredDimension {
  dataset: GrowingDataset;
  uses: { dataset: GrowingDataset; axis: number }[];
}

export interface LiveFileLayout {
  /** Address of the root group. */
  root: number;
  parts: StoredPart[];
  dimensions: StoredDimension[];
}

interface Planned {
  path: string;
  dataset: GrowingDataset;
  attributes(heap: GlobalHeap): Message[];
}

/** Writes the structure of a run; values and extents follow by the datasets. */
export function layLiveFile(file: GrowingFile, open: LiveOpen): LiveFileLayout {
  const sources = open.variables.filter(({ dtype }) => dtype !== "text").flatMap(partsOf);
  const plan = planGroup({ arrays: sources.map(({ array }) => array), attrs: {} });
  const measured = sources.filter(({ variable }) => variable.role === "measured");

  const parts = plan.variables.map((planned): StoredPart & { planned: PlannedVariable; place: number } => {
    const source = sources.find(({ array }) => array === planned.array)!;
    return {
      ...source,
      planned,
      place: measured.indexOf(source),
      dataset: new GrowingDataset(file, source.variable.shape),
    };
  });
  const usesOf = (dimension: Dimension) =>
    parts.filter(({ planned }) => planned.indexes?.dimension !== dimension).flatMap(({ planned, dataset }) =>
      planned.dims.flatMap((dim, axis) => dim === dimension ? [{ dataset, axis }] : [])
    );
  const dimensions = plan.bare.map((dimension): StoredDimension & { dimension: Dimension } => {
    const uses = usesOf(dimension);
    return { dimension, uses, dataset: new GrowingDataset(file, [largestExtent(uses)]) };
  });

  const scales = new Map<Dimension, GrowingDataset>([
    ...dimensions.map(({ dimension, dataset }) => [dimension, dataset] as const),
    ...parts.flatMap(({ planned, dataset }) =>
      planned.indexes ? [[planned.indexes.dimension, dataset] as const] : []
    ),
  ]);
  const scaleAttributes = (dimension: Dimension, name: string): Message[] => {
    const uses = usesOf(dimension).map(({ dataset, axis }) => ({ dataset: dataset.address, axis }));
    return [
      asciiAttribute("CLASS", "DIMENSION_SCALE"),
      asciiAttribute("NAME", name),
      ...uses.length > 0 ? [referenceList(uses)] : [],
    ];
  };

  const planned: Planned[] = [
    ...dimensions.map(({ dimension, dataset }) => ({
      path: dimension.scale,
      dataset,
      attributes: () => [
        ...scaleAttributes(dimension, BARE_DIMENSION + String(dataset.extent[0]).padStart(10)),
        int32Attribute("_Netcdf4Dimid", [dimension.id], []),
      ],
    })),
    ...parts.map(({ planned, variable, part, place, dataset }) => ({
      path: planned.path,
      dataset,
      attributes: (heap: GlobalHeap) => [
        float64Attribute("_FillValue", [NaN]),
        textAttribute("long_name", labelOf(variable, part), heap),
        textAttribute("units", netcdfText(variable.units ?? ""), heap),
        ...place >= 0 ? [int64Attribute("_param_index", [0, place])] : [],
        ...planned.coordinates ? [textAttribute("coordinates", planned.coordinates, heap)] : [],
        ...planned.dims.length > 0
          ? [
            int32Attribute("_Netcdf4Dimid", [planned.dims[0]!.id], []),
            int32Attribute("_Netcdf4Coordinates", planned.dims.map(({ id }) => id)),
          ]
          : [],
        ...planned.indexes
          ? scaleAttributes(planned.indexes.dimension, planned.indexes.name)
          : planned.dims.length > 0
          ? [dimensionList(planned.dims.map((dim) => scales.get(dim)?.address ?? 0), heap)]
          : [],
      ],
    })),
  ];
  return { root: writeStructure(file, planned, plan, open), parts, dimensions };
}

export function largestExtent(uses: StoredDimension["uses"]): number {
  return Math.max(0, ...uses.map(({ dataset, axis }) => dataset.extent[axis]!));
}

/** Places every structure first, since they refer to each other, and writes it then. */
function writeStructure(file: GrowingFile, planned: Planned[], plan: GroupPlan, open: LiveOpen): number {
  const describe = (heap: GlobalHeap): ObjectHeader => {
    for (const { dataset, attributes } of planned) dataset.describe(attributes(heap));
    const attributes = rootAttributes(open, plan, heap);
    return new ObjectHeader([
      linkInfo(planned.length),
      groupInfo(),
      attributeInfo(attributes.length),
      ...attributes,
      ...planned.map(({ path, dataset }, i) => link(path.slice(1), i, dataset.address)),
    ]);
  };
  const root = file.allocate(describe(new GlobalHeap(0)).length);
  const heap = new GlobalHeap(file.allocate(0));
  file.write(root, describe(heap).sealed());
  file.append(heap.encoded());
  for (const { dataset } of planned) dataset.settle();
  return root;
}

/** `snapshot` and what else is known of the run; what is neither text nor number is kept as JSON text. */
function rootAttributes({ attrs, name: run }: LiveOpen, plan: GroupPlan, heap: GlobalHeap): Message[] {
  const names = new DistinctNames();
  const facts = Object.entries({ name: run, ...attrs }).filter(([, value]) =>
    value !== null && value !== undefined
  );
  return [
    asciiAttribute("_NCProperties", PROPERTIES),
    ...facts.map(([key, value]): Message => {
      const name = names.take(netcdfAttributeName(key));
      if (typeof value === "number") return float64Attribute(name, [value], []);
      if (typeof value === "boolean") return int8Attribute(name, Number(value));
      return textAttribute(name, netcdfText(typeof value === "string" ? value : jsonText(value)), heap);
    }),
    ...plan.coordinates && !("coordinates" in attrs)
      ? [textAttribute("coordinates", plan.coordinates, heap)]
      : [],
  ];
}

function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => typeof item === "bigint" ? Number(item) : item) ?? "";
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

function labelOf({ dtype, long_name, name }: LiveVariable, part: 0 | 1): string {
  const label = netcdfText(long_name || name);
  return dtype === "c16" ? `${label} (${part === 0 ? "real" : "imaginary"} part)` : label;
}
