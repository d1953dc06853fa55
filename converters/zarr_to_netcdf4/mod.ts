/** Zarr store → netCDF-4 file: what xarray would write of the same store. */
import path from "node:path";
import { defineConverter } from "../../src/kit/define_converter.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import { openZarr } from "../../src/kit/zarr/open_zarr.ts";
import { datasetOf } from "./dataset.ts";
import { checkExpansion } from "./expansion.ts";

export default defineConverter({
  id: "zarr_to_netcdf4",
  version: "1.0.0",
  input: "zarr",
  output: "hdf5",
  auto: false,
  aliases: ["ZarrToNETCDF4Converter", "zarr_to_NETCDF4"],
  folder: true,
  async convert(input, outputDir, context) {
    const store = openZarr(input);
    checkExpansion(store);
    const output = path.join(outputDir, context.outputName);
    await writeNetcdf(output, datasetOf(store.root, context.log));
    return output;
  },
});
