/** CSV table → HDF5 (netCDF-4) file with one variable per column, as pandas and xarray would write it. */
import path from "node:path";
import { defineConverter } from "../../src/kit/define_converter.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import type { LabelledArray, SlabSource } from "../../src/kit/labelled.ts";
import { ColumnSpool } from "./column_spool.ts";
import { INDEX } from "../../src/kit/csv/header.ts";
import { inferTable, readRows } from "./table.ts";

export default defineConverter({
  id: "csv_to_hdf5",
  version: "1.0.0",
  input: "csv",
  output: "hdf5",
  auto: false,
  aliases: ["CSVToHDF5Converter"],
  folder: false,
  async convert(input, outputDir, context) {
    const table = inferTable(input, context.log);
    const spool = new ColumnSpool(path.join(context.temp, "columns"), table.columns.map((c) => c.dtype));
    try {
      readRows(input, table, (fields) => spool.addRow(fields));
      const index: LabelledArray = {
        name: INDEX,
        dims: [INDEX],
        shape: [table.rows],
        dtype: "i8",
        data: counting(),
        attrs: {},
        role: "coordinate",
      };
      const columns = table.columns.map(({ name, longName, units, dtype }, i): LabelledArray => ({
        name,
        dims: [INDEX],
        shape: [table.rows],
        dtype,
        data: spool.column(i),
        attrs: { ...(longName ? { long_name: longName } : {}), ...(units ? { units } : {}) },
        role: "data",
      }));
      const output = path.join(outputDir, context.outputName);
      await writeNetcdf(output, { arrays: [index, ...columns], attrs: {} });
      return output;
    } finally {
      spool.close();
    }
  },
});

/** 0, 1, 2 … as int64, without a BigInt for each; a range is valid until the next one is read. */
function counting(): SlabSource {
  let halves = new Uint32Array(0);
  return (start, length) => {
    if (halves.length !== 2 * length) halves = new Uint32Array(2 * length);
    for (let i = 0; i < length; i++) {
      halves[2 * i] = start + i;
      halves[2 * i + 1] = Math.floor((start + i) / 2 ** 32);
    }
    return new BigInt64Array(halves.buffer);
  };
}
