/** A netCDF file that is being written, and how the library is called on it. */
import { callHdf5, type H5Module, type Hdf5Library, withFixedClock } from "./module.ts";

export interface OpenNetcdf extends Hdf5Library {
  /** The library's handle. */
  id: bigint;
  /** For messages. */
  name: string;
}

const WRITE_FAILED = {
  class: "local",
  code: "netcdf_write_failed",
  hint: "Check free space and permissions of the agent's folder; it is tried again.",
} as const;

/**
 * Runs one synchronous call that changes the file.
 * @throws SyncError `netcdf_write_failed`
 */
export function change<T>(doing: string, call: () => T): T {
  return callHdf5(doing, () => withFixedClock(call), WRITE_FAILED);
}

/** Copies bytes into the library's memory for the duration of a call. */
export function withBytes<T>(module: H5Module, bytes: Uint8Array, call: (pointer: bigint) => T): T {
  const pointer = module._malloc(Math.max(bytes.byteLength, 1));
  if (pointer === 0) throw new RangeError(`no memory for ${bytes.byteLength} bytes`);
  try {
    module.HEAPU8.set(bytes, pointer);
    return call(BigInt(pointer));
  } finally {
    module._free(pointer);
  }
}
