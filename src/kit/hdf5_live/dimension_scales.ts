/** Dimension scales (HDF5 Dimension Scale Specification), as netCDF-4, h5netcdf and h5py attach them. */
import type { LiveHdf5Dataset } from "./types.ts";

/** Begin of the NAME of a netCDF dimension that has no variable. */
const NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable";

export type ScaleKind = "none" | "scale" | "dimension_only";

/** Whether a dataset is a dimension scale, and one that holds values. */
export function scaleKind(dataset: LiveHdf5Dataset): ScaleKind {
  if (textOf(dataset, "CLASS") !== "DIMENSION_SCALE") return "none";
  return textOf(dataset, "NAME")?.startsWith(NO_VARIABLE) ? "dimension_only" : "scale";
}

/** Ids (as of `LiveMember`) of the scales of each axis; [] when none are attached. */
export function scaleIds(dataset: LiveHdf5Dataset): number[][] {
  const list = dataset.attribute("DIMENSION_LIST")?.values;
  if (!Array.isArray(list)) return [];
  return list.map((axis) => {
    if (!(axis instanceof Uint8Array)) return [];
    const view = new DataView(axis.buffer, axis.byteOffset, axis.byteLength);
    return Array.from(
      { length: Math.floor(axis.length / 8) },
      (_, i) => Number(view.getBigUint64(8 * i, true)),
    );
  });
}

/** A text attribute of one element. */
export function textOf(dataset: LiveHdf5Dataset, name: string): string | undefined {
  const values = dataset.attribute(name)?.values;
  return Array.isArray(values) && typeof values[0] === "string" ? values[0] : undefined;
}

/** A numeric attribute, as numbers. */
export function numbersOf(dataset: LiveHdf5Dataset, name: string): number[] | undefined {
  const values = dataset.attribute(name)?.values;
  return ArrayBuffer.isView(values) ? Array.from<number | bigint, number>(values, Number) : undefined;
}
