/** The netCDF view of a group: its variables, without the scales that only stand for a dimension. */
import { compareCodePoints } from "./code_points.ts";
import { BARE_DIMENSION, NON_COORDINATE } from "./conventions.ts";
import { Hdf5Dataset, type Hdf5Group } from "./objects.ts";
import type { Hdf5File } from "./open.ts";

export interface Variable {
  /** Name in netCDF. */
  name: string;
  dataset: Hdf5Dataset;
}

/** The variables of a group (data and coordinates), sorted by name. */
export function listVariables(file: Hdf5File, group: Hdf5Group): Variable[] {
  return file.members(group)
    .filter((member) => member instanceof Hdf5Dataset)
    .filter((dataset) => !dataset.scaleName?.startsWith(BARE_DIMENSION))
    .map((dataset) => ({ name: dataset.name.replace(NON_COORDINATE, ""), dataset }))
    .sort((a, b) => compareCodePoints(a.name, b.name));
}

/**
 * Whether a file is netCDF-4: every dataset of the root group that has axes is a dimension scale, or has a scale on
 * each of its axes.
 * @returns undefined when it is, else the first dataset that is not
 */
export function datasetWithoutScales(file: Hdf5File): Hdf5Dataset | undefined {
  return file.members(file.root)
    .filter((member) => member instanceof Hdf5Dataset)
    .find((dataset) =>
      (dataset.shape ?? []).length > 0 && dataset.scaleName === null &&
      dataset.scales().some((scales) => scales.length === 0)
    );
}
