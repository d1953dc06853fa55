/** What is in a netCDF-4 file, as plain values for comparisons. */
import { NON_COORDINATE } from "../src/kit/hdf5/conventions.ts";
import { BARE_DIMENSION } from "../src/kit/hdf5/conventions.ts";
import { openHdf5 } from "../src/kit/hdf5/open.ts";
import { Hdf5Dataset, Hdf5Group } from "../src/kit/hdf5/objects.ts";

export interface NetcdfVariable {
  dtype: string | undefined;
  dims: string[];
  shape: number[] | null;
  /** Flat in C order, integers of 64 bits as bigint. */
  values: unknown[];
  attributes: Record<string, unknown>;
}

export interface NetcdfContent {
  /** By path without the first `/`, for example `runs/a1/image`. */
  variables: Record<string, NetcdfVariable>;
  /** Attributes of the groups by path, "" for the root. */
  groups: Record<string, Record<string, unknown>>;
}

export async function netcdfContent(path: string): Promise<NetcdfContent> {
  using file = await openHdf5(path);
  const content: NetcdfContent = { variables: {}, groups: {} };
  for (const member of file.walk()) {
    const name = member.path.slice(1);
    if (member instanceof Hdf5Group) content.groups[name] = member.attributes();
    if (!(member instanceof Hdf5Dataset) || member.scaleName?.startsWith(BARE_DIMENSION)) continue;
    const dims = member.scaleName === null
      ? member.scales().map(([scale = "?"]) => scale.slice(scale.lastIndexOf("/") + 1))
      : [member.name];
    content.variables[name.replace(NON_COORDINATE, "")] = {
      dtype: member.dtype,
      dims,
      shape: member.shape,
      values: Array.from(member.read() as ArrayLike<unknown>),
      attributes: member.attributes(),
    };
  }
  return content;
}
