/** Measurements out of netCDF-4 files (HDF5 with dimension scales). */
import { BARE_DIMENSION, isBookkeeping } from "../../src/kit/hdf5/conventions.ts";
import { Hdf5Dataset, Hdf5Group } from "../../src/kit/hdf5/objects.ts";
import { type Hdf5File, openHdf5 } from "../../src/kit/hdf5/open.ts";
import type { Hdf5Values } from "../../src/kit/hdf5/decode.ts";
import { type Hdf5Type, unreadablePart } from "../../src/kit/hdf5/types.ts";
import { listVariables } from "../../src/kit/hdf5/variables.ts";
import type { Attributes, AttrValue } from "../../src/kit/labelled.ts";
import type { DraftLog } from "../../src/kit/drafts.ts";
import { hdf5Column } from "./hdf5_column.ts";
import { applyCoordinates, type Measurement, type Variable } from "./measurement.ts";

/** Why a sound HDF5 file is uploaded as it is: it holds something that netCDF variables cannot. */
export class NotNetcdf extends Error {
  override readonly name = "NotNetcdf";
}

type Log = (entry: DraftLog) => void;

/**
 * Hands the content of a netCDF-4 file to `use`; values can be read until that ends.
 * @throws SyncError as `openHdf5` and reading do; {@link NotNetcdf}
 */
export async function withNetcdf4<T>(
  path: string,
  log: Log,
  use: (measurement: Measurement) => Promise<T>,
): Promise<T> {
  const file = await openHdf5(path);
  let result: T;
  try {
    result = await use(readGroup(file, file.root, log));
  } catch (e) {
    // After a failure of the library closing fails, too, and says nothing new.
    try {
      file.close();
    } catch {
      throw e;
    }
    throw e;
  }
  file.close();
  return result;
}

function readGroup(file: Hdf5File, group: Hdf5Group, log: Log): Measurement {
  const groups: Record<string, Measurement> = {};
  for (const member of file.members(group)) {
    if (member instanceof Hdf5Group) groups[member.name] = readGroup(file, member, log);
    else if (!(member instanceof Hdf5Dataset) && member.kind !== "datatype") {
      throw new NotNetcdf(`${member.path} is a link or object of its own kind (${member.kind})`);
    }
  }
  const variables = listVariables(file, group).map(({ name, dataset }) => readVariable(name, dataset, log));
  return { ...applyCoordinates(variables, readAttributes(group, log)), groups };
}

function readVariable(name: string, dataset: Hdf5Dataset, log: Log): Variable {
  const { shape, dtype, type, path } = dataset;
  if (shape === null) throw new NotNetcdf(`${path} has no values`);
  if (dtype === undefined) throw new NotNetcdf(`${path} holds ${unreadablePart(type) ?? type.kind} values`);
  dataset.requireReadable();
  const dims = dimensionsOf(name, dataset, shape);
  return {
    name,
    dims,
    shape,
    attrs: readAttributes(dataset, log),
    role: dims.length === 1 && dims[0] === name ? "coordinate" : "data",
    column: hdf5Column(dataset, dtype, shape),
  };
}

function dimensionsOf(name: string, dataset: Hdf5Dataset, shape: number[]): string[] {
  if (dataset.scaleName !== null && !dataset.scaleName.startsWith(BARE_DIMENSION) && shape.length === 1) {
    return [name];
  }
  return dataset.scales().map(([scale], axis) => {
    if (scale === undefined) throw new NotNetcdf(`axis ${axis} of ${dataset.path} has no dimension scale`);
    return scale.slice(scale.lastIndexOf("/") + 1);
  });
}

/** Attributes with the width of their numbers kept. Those that netCDF-4 cannot hold are logged and left out. */
function readAttributes(object: Hdf5Dataset | Hdf5Group, log: Log): Attributes {
  const attributes: Attributes = {};
  for (const name of object.attributeNames()) {
    if (isBookkeeping(name)) continue;
    const value = readAttribute(object, name);
    if (value !== undefined) attributes[name] = value;
    else {
      log({
        code: "attribute_left_out",
        message: `attribute ${name} of ${object.path}: netCDF has no such type`,
      });
    }
  }
  return attributes;
}

function readAttribute(object: Hdf5Dataset | Hdf5Group, name: string): AttrValue | undefined {
  const { type } = object.attribute(name);
  return unreadablePart(type) ? undefined : netcdfAttribute(type, object.attributeValues(name));
}

/** An attribute as netCDF has it; undefined for what it cannot hold. @param values flat; null for an empty one */
export function netcdfAttribute(type: Hdf5Type, values: Hdf5Values | null): AttrValue | undefined {
  if (values === null) return type.kind === "text" ? "" : new Float64Array(0);
  if (type.kind === "text") {
    const texts = values as string[];
    return texts.length === 1 ? texts[0] : texts;
  }
  if (type.kind === "number" && type.dtype === "bool" && ArrayBuffer.isView(values)) {
    return values.length === 1 ? values[0] === 1 : Int8Array.from(values, Number);
  }
  const isNumeric = type.kind === "number" || type.kind === "enum";
  return isNumeric && type.dtype !== "c8" && type.dtype !== "c16" && ArrayBuffer.isView(values)
    ? values
    : undefined;
}
