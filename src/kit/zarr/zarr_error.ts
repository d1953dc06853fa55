/** Failures of reading a Zarr store, each naming the store and the node. */
import { SyncError } from "../errors.ts";

/** Where in a store something is wrong, for example `data.zarr: array "signal"`. */
export type Place = string;

/** The store's metadata or chunks break the Zarr specification, or are damaged. */
export function damaged(place: Place, what: string, cause?: unknown): SyncError {
  return new SyncError("data", "zarr_damaged", `${place}: ${what}`, {
    hint: "Check the store with zarr-python; write it again if it is damaged.",
    cause,
  });
}

/** The store is sound, but uses something that is not read here. */
export function unsupported(place: Place, what: string): SyncError {
  return new SyncError("data", "zarr_unsupported", `${place}: ${what}`, {
    hint: "Upload the store as a zip (zarr_to_zip), or write the array with a common type and layout.",
  });
}

export function unknownCodec(place: Place, codec: string): SyncError {
  return new SyncError("data", "zarr_unknown_codec", `${place}: codec "${codec}" is not supported`, {
    hint: "Upload the store as a zip (zarr_to_zip), or write it with blosc, zstd, gzip, zlib or lz4.",
  });
}
