/** Measurements out of netCDF-4 files that are being written, read where they lie. */
import { BARE_DIMENSION, isBookkeeping, NON_COORDINATE } from "../../../src/kit/hdf5/conventions.ts";
import { unreadablePart } from "../../../src/kit/hdf5/types.ts";
import type { LiveAttribute, LiveHdf5Dataset, LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import type { Attributes } from "../../../src/kit/labelled.ts";
import { hdf5Column } from "../hdf5_column.ts";
import { applyCoordinates, type Measurement, type Variable } from "../measurement.ts";
import { netcdfAttribute } from "../netcdf4_source.ts";

interface Member {
  name: string;
  dataset: LiveHdf5Dataset;
  attributes: LiveAttribute[];
  /** NAME of a dimension scale; undefined for what is none. */
  scale: string | undefined;
}

/**
 * The variables of the root group; what netCDF cannot hold is passed over, like groups.
 * @throws SyncError as reading does
 */
export function readNetcdf4InPlace(file: LiveHdf5File): Measurement {
  const members = file.members().filter(({ kind }) => kind === "dataset").map(({ name, path }): Member => {
    const dataset = file.dataset(path), attributes = dataset.attributes();
    const isScale = textOf(attributes, "CLASS") === "DIMENSION_SCALE";
    return { name, dataset, attributes, scale: isScale ? textOf(attributes, "NAME") ?? "" : undefined };
  });
  const variables = members.filter(({ scale }) => !scale?.startsWith(BARE_DIMENSION))
    .flatMap((member) => variableOf(member, members) ?? []);
  return applyCoordinates(variables, attributesOf(file.attributes("/")));
}

function variableOf(member: Member, members: readonly Member[]): Variable | undefined {
  const { dataset, attributes } = member;
  const { dtype, shape } = dataset;
  if (dtype === undefined) return undefined;
  const name = member.name.replace(NON_COORDINATE, "");
  const dims = dimensionsOf(member, members);
  return {
    name,
    dims,
    shape,
    attrs: attributesOf(attributes),
    role: dims.length === 1 && dims[0] === name ? "coordinate" : "data",
    column: hdf5Column(dataset, dtype, shape),
  };
}

/**
 * Names of the dimensions: by the ids that h5netcdf and netCDF-C write beside the references to scales (netCDF-4
 * format, `_Netcdf4Coordinates` and `_Netcdf4Dimid`), else by their lengths.
 */
function dimensionsOf({ name, dataset, attributes, scale }: Member, members: readonly Member[]): string[] {
  if (scale !== undefined && dataset.shape.length === 1) return [name];
  const scales = members.filter((member) => member.scale !== undefined);
  const ids = numbersOf(attributes, "_Netcdf4Coordinates");
  return dataset.shape.map((length, axis) => {
    const byId = scales.find((member) => numbersOf(member.attributes, "_Netcdf4Dimid")[0] === ids[axis]);
    const found = ids.length > axis && byId
      ? byId
      : scales.find((member) => member.dataset.shape[0] === length);
    return found?.name ?? `${name}_${axis}`;
  });
}

function attributesOf(attributes: readonly LiveAttribute[]): Attributes {
  return Object.fromEntries(
    attributes.filter(({ name, type }) => !isBookkeeping(name) && unreadablePart(type) === undefined)
      .flatMap(({ name, type, values }) => {
        const value = netcdfAttribute(type, values);
        return value === undefined ? [] : [[name, value] as const];
      }),
  );
}

function textOf(attributes: readonly LiveAttribute[], name: string): string | undefined {
  const values = attributes.find((attribute) => attribute.name === name)?.values;
  return Array.isArray(values) && typeof values[0] === "string" ? values[0] : undefined;
}

function numbersOf(attributes: readonly LiveAttribute[], name: string): number[] {
  const values = attributes.find((attribute) => attribute.name === name)?.values;
  return ArrayBuffer.isView(values) ? Array.from(values as ArrayLike<number | bigint>, Number) : [];
}
