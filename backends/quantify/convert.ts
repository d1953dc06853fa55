/** Converts one data file of a container to netCDF-4 on the measured grid. */
import type { DraftLog } from "../../src/kit/drafts.ts";
import { Scratch } from "../../src/kit/grid/scratch.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import { readSignature } from "../../src/kit/hdf5/signature.ts";
import type { AttrValue } from "../../src/kit/labelled.ts";
import { decodeVersion2, isVersion2 } from "./dataset_v2.ts";
import { gridded } from "./grid.ts";
import { labelled, type Measurement, type Variable } from "./measurement.ts";
import { readNetcdf3 } from "./netcdf3_source.ts";
import { withNetcdf4 } from "./netcdf4_source.ts";
import { markUncertainties } from "./uncertainty.ts";

/** What the dataset takes from a converted file. */
export interface FileFacts {
  /** The measurement's name as Quantify stored it, "" when there is none. */
  name: string;
  /** Labels of its variables and coordinates. */
  labels: string[];
}

/**
 * Writes the measurement in `input` (HDF5 or netCDF-3 bytes) to `output`.
 * @param scratchFolder existing, private folder for temporary files
 * @throws SyncError as reading and writing do; NotNetcdf for HDF5 that is no netCDF
 */
export function convertFile(
  input: string,
  output: string,
  scratchFolder: string,
  log: (entry: DraftLog) => void,
): Promise<FileFacts> {
  const write = async (raw: Measurement): Promise<FileFacts> => {
    using scratch = new Scratch(scratchFolder);
    const measurement = isVersion2(raw) ? decodeVersion2(raw) : raw;
    const arranged = isVersion2(raw) ? measurement : gridded(measurement, scratch);
    await writeNetcdf(output, labelled(markUncertainties(arranged)));
    return {
      name: textOf(measurement.attrs.name) || textOf(measurement.attrs.dataset_name),
      labels: measurement.variables.map(labelOf).filter((label) => label !== ""),
    };
  };
  return readSignature(input).kind === "netcdf3" ? write(readNetcdf3(input)) : withNetcdf4(input, log, write);
}

function labelOf({ name, attrs }: Variable): string {
  return textOf(attrs.long_name) || textOf(attrs.name) || name;
}

function textOf(value: AttrValue | undefined): string {
  return typeof value === "string" ? value.trim() : "";
}
