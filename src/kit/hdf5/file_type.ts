/** What type a file is for the platform, from its suffix and its content (behaviour rules of type detection, F9). */
import type { DraftLog, FileType } from "../drafts.ts";
import { SyncError } from "../errors.ts";
import { hashContent } from "./content_hash.ts";
import { type Hdf5File, openHdf5 } from "./open.ts";
import { readSignature } from "./signature.ts";
import { datasetWithoutScales } from "./variables.ts";

export interface Inspection {
  type: FileType;
  logs: DraftLog[];
  /** Content md5 (F11), only for HDF5_NETCDF. */
  content_md5: string | null;
  /** SHA-256 over all groups and scalars (F13), only for HDF5_NETCDF. */
  deep_sha256: string | null;
}

const HDF5_SUFFIX = /\.(h5|hdf5|nc)$/i;

/**
 * Inspects one file. A file that is not what its suffix says, or is damaged, is no failure: it gets type HDF5 and a log.
 * @param filename bare name, whose suffix decides
 */
export async function inspectFile(path: string, filename: string): Promise<Inspection> {
  if (/\.json$/i.test(filename)) return plain("JSON");
  if (/\.txt$/i.test(filename)) return plain("TEXT");
  if (!HDF5_SUFFIX.test(filename)) return plain("UNKNOWN");

  const logs: DraftLog[] = [];
  try {
    const { kind } = readSignature(path);
    if (kind !== "hdf5") {
      logs.push({
        code: "suffix_content_mismatch",
        message: `${filename} has no HDF5 signature (${CONTENT[kind]})`,
      });
      return plain("HDF5", logs);
    }
    using file = await openHdf5(path);
    const bare = datasetWithoutScales(file);
    if (bare) return plain("HDF5", logs);
    return netcdf(file, logs);
  } catch (thrown) {
    const error = SyncError.from(thrown);
    if (error.class === "reader" || error.class === "source") throw error;
    logs.push({ code: error.code, message: error.message });
    return plain("HDF5", logs);
  }
}

const CONTENT = { netcdf3: "netCDF-3", empty: "empty", text: "text", unknown: "other content" } as const;

function plain(type: FileType, logs: DraftLog[] = []): Inspection {
  return { type, logs, content_md5: null, deep_sha256: null };
}

/**
 * The type is decided by structure alone. Values behind a filter that is not built in have no content md5: such a file
 * goes out with its plain one. A damaged file is not offered as netCDF.
 */
function netcdf(file: Hdf5File, logs: DraftLog[]): Inspection {
  try {
    return { type: "HDF5_NETCDF", logs, ...hashContent(file) };
  } catch (thrown) {
    const error = SyncError.from(thrown);
    logs.push({ code: error.code, message: error.message });
    return plain(error.code === "hdf5_unknown_filter" ? "HDF5_NETCDF" : "HDF5", logs);
  }
}
