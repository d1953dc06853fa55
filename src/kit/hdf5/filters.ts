/** The filters a dataset's chunks pass through. */
import { SyncError } from "../errors.ts";

/** Filters built into the library, and well-known ones that are not. Ids: HDF5 filter registry. */
const BUILT_IN: Record<number, string> = {
  1: "gzip",
  2: "shuffle",
  3: "fletcher32",
  4: "szip",
  5: "nbit",
  6: "scaleoffset",
};
const PLUG_INS: Record<number, string> = {
  305: "lzo",
  307: "bzip2",
  32000: "lzf",
  32001: "blosc",
  32004: "lz4",
  32008: "bitshuffle",
  32013: "zfp",
  32015: "zstd",
  32017: "sz",
  32026: "blosc2",
};

export function filterName(id: number): string {
  return BUILT_IN[id] ?? PLUG_INS[id] ?? `filter ${id}`;
}

/**
 * Without its filter a chunk reads as garbage, so that a dataset with any other filter is refused.
 * @throws SyncError `hdf5_unknown_filter` naming dataset and filter
 */
export function checkFilters(what: string, filters: { id: number }[]): void {
  const unknown = filters.find(({ id }) => BUILT_IN[id] === undefined);
  if (!unknown) return;
  throw new SyncError(
    "data",
    "hdf5_unknown_filter",
    `${what} is compressed with ${
      filterName(unknown.id)
    } (HDF5 filter ${unknown.id}), which can not be read here`,
    { hint: "Re-pack the file with gzip: h5repack -f GZIP=4 in.h5 out.h5." },
  );
}
