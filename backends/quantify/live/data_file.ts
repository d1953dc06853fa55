/** The data file of a running measurement, of which one state at a time is read. */
import { join } from "node:path";
import { SyncError } from "../../../src/kit/errors.ts";
import { type ExactStat, fingerprintText, statExact } from "../../../src/kit/fingerprint.ts";
import { openHdf5Live } from "../../../src/kit/hdf5_live/open.ts";
import type { LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import { copyPrivately } from "../../../src/kit/private_copy.ts";
import { decodeVersion2, isVersion2 } from "../dataset_v2.ts";
import type { Measurement } from "../measurement.ts";
import { readNetcdf3 } from "../netcdf3_source.ts";
import { readNetcdf4InPlace } from "./netcdf4_in_place.ts";
import { fileState } from "./whole_file.ts";

/** Files up to this size are read as a whole; private copies are made of no larger ones. */
export const SNAPSHOT_BYTES = 16 << 20;

/** A file that its writer holds open, or left open when it died, is read when nothing was written for so long, ms. */
const OPEN_REST_MS = 200;

/** One state of the file. */
export interface Reading extends Disposable {
  measurement: Measurement;
  /** Runs reads of values that are all of this state. @throws SyncError busy when there is another one */
  consistent<T>(body: () => T): T;
}

export class DataFile implements Disposable {
  #inPlace: LiveHdf5File | undefined;

  /** @param temp private folder for copies */
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
   * @param copy read a private copy: for a file that changes faster than it can be read where it lies
   * @throws SyncError busy `live_torn`, `hdf5_torn` when that is not, or no longer, to be read as a whole
   */
  async open(stat: ExactStat, copy: boolean): Promise<Reading> {
    const state = fileState(this.path);
    const isOpen = state === "open" && Date.now() - stat.mtime_ms < OPEN_REST_MS;
    if (state === "torn" || isOpen) throw torn(this.path, "it is being written");
    if (state !== "netcdf3" && !(copy && stat.size <= SNAPSHOT_BYTES)) return this.#open(stat);
    const { path, stat: copied } = await copyPrivately(this.path, join(this.temp, "snapshot.hdf5"));
    if (fingerprintText(copied) !== fingerprintText(stat)) throw torn(this.path, "it was written again");
    if (state === "netcdf3") return reading(readNetcdf3(path));
    const file = openHdf5Live(path);
    try {
      return reading(file.consistent(() => readNetcdf4InPlace(file)), file);
    } catch (e) {
      file[Symbol.dispose]();
      throw e;
    }
  }

  #open(stat: ExactStat): Reading {
    const file = this.#inPlace ??= openHdf5Live(this.path);
    const consistent = <T>(body: () => T): T => {
      const result = file.consistent(body);
      const now = this.stat();
      if (!now || fingerprintText(now) !== fingerprintText(stat)) {
        throw torn(this.path, "it was written again");
      }
      return result;
    };
    return { ...reading(consistent(() => readNetcdf4InPlace(file))), consistent };
  }

  [Symbol.dispose](): void {
    this.#inPlace?.[Symbol.dispose]();
    this.#inPlace = undefined;
  }
}

/** @param file is closed with the reading */
function reading(measurement: Measurement, file?: LiveHdf5File): Reading {
  return {
    measurement: isVersion2(measurement) ? decodeVersion2(measurement) : measurement,
    consistent: (body) => file ? file.consistent(body) : body(),
    [Symbol.dispose]: () => file?.[Symbol.dispose](),
  };
}

/** @param reason why, after "it" */
export function torn(path: string, reason: string): SyncError {
  return new SyncError("busy", "live_torn", `${path}: ${reason}`, {
    hint: "Nothing to do: Quantify rewrites the file as it measures, and it is read a moment later.",
  });
}
