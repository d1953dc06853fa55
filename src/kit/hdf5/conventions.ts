/** Names that HDF5 and netCDF-4 give a meaning of their own. */

/** Name of the scale of a dimension without values; its length follows in ten columns. */
export const BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable.";

/** Before the stored name of a variable that shares its name with a dimension it does not index. */
export const NON_COORDINATE = "_nc4_non_coord_";

/** Attributes in which HDF5 and netCDF keep their own books. */
export function isBookkeeping(name: string): boolean {
  return /^(CLASS|NAME|DIMENSION_LIST|REFERENCE_LIST|_NCProperties|_nc3_strict|_Netcdf4.*)$/.test(name);
}
