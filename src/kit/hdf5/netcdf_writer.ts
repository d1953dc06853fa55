/**
 * Writes labelled datasets as netCDF-4 (HDF5 with dimension scales), in the form that xarray itself writes, so that
 * xarray opens the file with its h5netcdf and netcdf4 engines (the latter without complex numbers).
 *
 * Formats: netCDF-4 file format specification (appendix C of the NetCDF User's Guide); HDF5 dimension scale
 * specification; xarray's encoding of bool, complex and `coordinates`.
 */
import {
  type AttrValue,
  type Dtype,
  type LabelledArray,
  type LabelledDataset,
  sizeOf,
  type SlabSource,
} from "../labelled.ts";
import { BARE_DIMENSION } from "./conventions.ts";
import { loadHdf5 } from "./module.ts";
import { writeAscii, writeAttribute, writeAttributes, writeIndex } from "./netcdf_attributes.ts";
import { change, type OpenNetcdf } from "./netcdf_file.ts";
import { type Dimension, type GroupPlan, planGroup, type PlannedVariable } from "./netcdf_layout.ts";
import { writeTextDataset } from "./netcdf_text.ts";
import { writeNumericDataset } from "./netcdf_values.ts";
import { oneValue, STORED } from "./stored_types.ts";

export interface NetcdfOptions {
  /** Deflate level of arrays from 64 KiB: 0 = never, 1–9 = always; when absent, level 1 where a sample shrinks well. */
  gzip?: number;
}

/**
 * Writes a dataset to `path` through a temporary name beside it, so that a reader never sees half a file. Equal input
 * gives equal bytes. Memory is bounded by 8 MiB of values, or 65,536 texts, of an array that comes from a
 * {@link SlabSource}.
 *
 * Variables and attributes keep the order given, coordinates before data. Numbers in attributes are stored as f8,
 * bigints as i8, booleans as i1, empty lists as empty f8 lists. Floats get `_FillValue` NaN unless they bring their
 * own. In names, `/` and control characters become `_`, blanks at the ends go, nothing becomes `_`, and a second use
 * of a name gets `_2`; attributes named like HDF5's bookkeeping (`NAME`, `CLASS`, …) get a `_` behind them. U+0000 in
 * text becomes U+2400.
 *
 * @throws SyncError `netcdf_invalid_dataset` (class data) when dims, shapes and values contradict each other,
 * `netcdf_write_failed` (class local) when the file can not be written
 */
export async function writeNetcdf(
  path: string,
  dataset: LabelledDataset,
  options: NetcdfOptions = {},
): Promise<void> {
  const plan = planGroup(dataset);
  const library = await loadHdf5();
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  const doing = `writing ${path}`;
  try {
    const { module } = library;
    const id = change(doing, () => module.open(temporary, module.H5F_ACC_TRUNC, true, -1, -1));
    const file: OpenNetcdf = { ...library, id, name: doing };
    try {
      writeAscii(file, "/", "_NCProperties", PROPERTIES);
      await writeGroup(file, plan, options);
    } finally {
      change(doing, () => module.close_file(id));
    }
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // Never made, or held open by the failure itself; the folder is a staging folder.
    }
    throw error;
  }
}

/** Provenance as netCDF-C and h5netcdf leave it. */
const PROPERTIES = "version=2,h5wasm=0.10.3,hdf5=2.0.0";

async function writeGroup(file: OpenNetcdf, plan: GroupPlan, options: NetcdfOptions): Promise<void> {
  for (const dimension of plan.bare) await writeBareDimension(file, dimension);
  for (const variable of plan.variables) await writeVariable(file, variable, options);
  attachScales(file, plan);
  writeAttributes(file, plan.path, plan.dataset.attrs);
  if (plan.coordinates) writeAttribute(file, plan.path, "coordinates", plan.coordinates);
  for (const group of plan.groups) {
    change(
      `${file.name}: group ${group.path}`,
      () => file.module.create_group(file.id, group.path, true),
    );
    await writeGroup(file, group, options);
  }
}

async function writeBareDimension(file: OpenNetcdf, dimension: Dimension): Promise<void> {
  await writeNumericDataset(file, dimension.scale, "f4", [dimension.size], undefined, 0);
  makeScale(file, dimension, BARE_DIMENSION + String(dimension.size).padStart(10));
}

function makeScale(file: OpenNetcdf, dimension: Dimension, name: string): void {
  change(
    `${file.name}: dimension ${dimension.scale}`,
    () => file.module.set_scale(file.id, dimension.scale, name),
  );
  writeIndex(file, dimension.scale, "_Netcdf4Dimid", dimension.id);
}

async function writeVariable(
  file: OpenNetcdf,
  variable: PlannedVariable,
  options: NetcdfOptions,
): Promise<void> {
  const { array, path } = variable;
  const source = slabSource(array);
  if (array.dtype === "text") await writeTextDataset(file, path, array.shape, source);
  else await writeNumericDataset(file, path, array.dtype, array.shape, source, options.gzip);
  if (variable.indexes) makeScale(file, variable.indexes.dimension, variable.indexes.name);
  if (variable.dims.length > 0) {
    writeAttribute(file, path, "_Netcdf4Coordinates", Int32Array.from(variable.dims, (dim) => dim.id));
  }
  writeVariableAttributes(file, variable);
}

/** The user's attributes among those of xarray: `_FillValue` first, `dtype` of booleans and `coordinates` last. */
function writeVariableAttributes(file: OpenNetcdf, { array, path, coordinates }: PlannedVariable): void {
  const { _FillValue: given, ...attributes } = array.attrs;
  const fill = fillValue(array.dtype, given);
  if (fill !== undefined) writeAttribute(file, path, "_FillValue", fill);
  if (array.dtype === "bool") attributes.dtype = "bool";
  if (coordinates) attributes.coordinates = coordinates;
  writeAttributes(file, path, attributes);
}

/** netCDF demands a fill value of the variable's own type; there is none for complex numbers. */
function fillValue(dtype: Dtype, given: AttrValue | undefined): AttrValue | undefined {
  if (dtype === "c8" || dtype === "c16") return undefined;
  if (dtype === "text") return typeof given === "string" ? given : undefined;
  const [value] = Array.isArray(given) || ArrayBuffer.isView(given) ? given : [given];
  if (typeof value === "number" || typeof value === "bigint") {
    return oneValue(dtype === "bool" ? "i1" : dtype, value);
  }
  return dtype === "f4" || dtype === "f8" ? oneValue(dtype, NaN) : undefined;
}

function attachScales(file: OpenNetcdf, plan: GroupPlan): void {
  for (const { path, dims, indexes } of plan.variables) {
    if (indexes) continue;
    for (const [axis, dimension] of dims.entries()) {
      change(
        `${file.name}: axis ${axis} of ${path}`,
        () => file.module.attach_scale(file.id, path, dimension.scale, axis),
      );
    }
  }
}

function slabSource(array: LabelledArray): SlabSource {
  const { data } = array;
  if (typeof data === "function") return data;
  const items = array.dtype === "text" ? 1 : STORED[array.dtype].items;
  const whole = sizeOf(array.shape) * items;
  return (start, length) =>
    data.length === whole && length * items === whole
      ? data
      : Array.isArray(data)
      ? data.slice(start, start + length)
      : data.subarray(start * items, (start + length) * items);
}
