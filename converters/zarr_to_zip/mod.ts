/** Zarr store → one zip file that zarr-python's ZipStore opens; the same bytes for the same store. */
import path from "node:path";
import { defineConverter } from "../../src/kit/define_converter.ts";
import { StoredZip } from "../../src/kit/zip/stored_zip.ts";
import { storeFiles } from "./store_files.ts";

export default defineConverter({
  id: "zarr_to_zip",
  version: "1.0.0",
  input: "zarr",
  output: "zip",
  auto: false,
  aliases: ["ZarrToZipConverter"],
  folder: true,
  convert(input, outputDir, context) {
    const output = path.join(outputDir, `${path.basename(input)}.zip`);
    const files = storeFiles(input);
    const zip = new StoredZip(output);
    try {
      for (const file of files) zip.add(file, path.join(input, file));
      zip.finish();
    } finally {
      zip.close();
    }
    context.log(`${files.length} files packed`);
    return output;
  },
});
