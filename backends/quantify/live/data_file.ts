/** The data file of a running measurement, of which one state at a time is read. */
import { join } from "node:path";
import { SyncError } from "../../../src/kit/errors.ts";
import { type ExactStat, fingerprintText, statExact } from "../../../src/kit/fingerprint.ts";
import { type Hdf5File, openHdf5 } from "../../../src/kit/hdf5/open.ts";
import { copyPrivately } from "../../../src/kit/private_copy.ts";
import { decodeVersion2, isVersion2 } from "../dataset_v2.ts";
import type { Measurement } from "../measurement.ts";
import { readNetcdf3 } from "../netcdf3_source.ts";
import { readNetcdf4 } from "../netcdf4_source.ts";
import { fileState } from "./whole_file.ts";

/** Files up to this size are read as a whole, from a private copy. */
export const SNAPSHOT_BYTES = 16 << 20;

/** One state of the file. */
export interface Reading extends Disposable {
  measurement: Measurement;
  /** Runs reads of values that are all of this state. @throws SyncError busy when there is another one */
  consistent<T>(body: () => T): T;
}

export class DataFile {
  constructor(readonly path: string, readonly temp: string) {}

  /** What the file is now; undefined when it is not there. */
  stat(): ExactStat | undefined {
    try {
      return statExact(this.path, true);
    } catch (e) {
      if (e instanceof Error && "code" in e && e.code === "ENOENT") return undefined;
      throw e;
    }
  }

  /**
   * Opens the state that `stat` tells of.
   * @throws SyncError busy `live_torn` when that is not, or no longer, to be read as a whole
   */
  async open(stat: ExactStat): Promise<Reading> {
    const state = fileState(this.path);
    if (state === "torn" || state === "open") throw torn(this.path, "it is being written");
    if (stat.size > SNAPSHOT_BYTES) throw torn(this.path, "it is too large to be copied");
    const copy = await copyPrivately(this.path, join(this.temp, "snapshot.hdf5"));
    if (fingerprintText(copy.stat) !== fingerprintText(stat)) throw torn(this.path, "it was written again");
    if (state === "netcdf3") return reading(readNetcdf3(copy.path));
    const file = await openHdf5(copy.path);
    return reading(readNetcdf4(file, () => {}), file);
  }
}

function reading(measurement: Measurement, file?: Hdf5File): Reading {
  return {
    measurement: isVersion2(measurement) ? decodeVersion2(measurement) : measurement,
    consistent: (body) => body(),
    [Symbol.dispose]: () => file?.close(),
  };
}

/** @param reason why, after "it" */
export function torn(path: string, reason: string): SyncError {
  return new SyncError("busy", "live_torn", `${path}: ${reason}`, {
    hint: "Nothing to do: Quantify rewrites the file as it measures, and it is read a moment later.",
  });
}
