/** What a live file consists of. */
import type { LiveVariable } from "../live.ts";
import type { GrowingDataset } from "./swmr/growing_dataset.ts";

/** A dimension of the file. */
export interface StoredDimension {
  id: number;
  /** Its scale: the variable that is its index, or a dataset without values that is as long as the longest use. */
  scale: GrowingDataset;
  bare: boolean;
  /** The axes of other datasets that it labels. */
  uses: { dataset: GrowingDataset; axis: number }[];
}

/** A variable's dataset: of complex ones, that of one part. */
export interface StoredPart {
  variable: LiveVariable;
  part: 0 | 1;
  dataset: GrowingDataset;
  axes: StoredDimension[];
}

/** Extent of the longest dataset along a dimension. */
export function longest(uses: StoredDimension["uses"]): number {
  return Math.max(0, ...uses.map(({ dataset, axis }) => dataset.extent[axis]!));
}
