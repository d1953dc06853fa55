/** Reads dataset folders through the folder backend, as the agent does, with stand-ins for the converters. */
import { join } from "node:path";
import folderbase from "../backends/folderbase/mod.ts";
import type { ConverterInfo } from "../src/kit/define_converter.ts";
import type { DatasetDraft } from "../src/kit/drafts.ts";
import { SyncError } from "../src/kit/errors.ts";
import { assert } from "./assert.ts";

const OLD = "etiket_sync_agent.backends.folderbase.converters";
export const converter = (id: string, input: string, output: string, alias: string): ConverterInfo => ({
  id,
  version: "1",
  input,
  output,
  auto: false,
  aliases: [alias, `${OLD}.${id}:${alias}`],
});
export const CONVERTERS = [
  converter("csv_to_hdf5", "csv", "hdf5", "CSVToHDF5Converter"),
  converter("zarr_to_netcdf4", "zarr", "hdf5", "ZarrToNETCDF4Converter"),
  converter("zarr_to_zip", "zarr", "zip", "ZarrToZipConverter"),
];

export interface ReadOptions {
  converters?: ConverterInfo[];
  config?: Record<string, unknown>;
}

/** Reads the dataset folder `path` of a source with this root. */
export async function readDataset(
  root: string,
  path: string,
  options: ReadOptions = {},
): Promise<DatasetDraft> {
  const config = { root_directory: root, is_server_folder: false, ...options.config };
  const result = await folderbase.read(config, { identifier: path, path: join(root, path) }, {
    staging: "",
    version: "0",
    converters: options.converters ?? CONVERTERS,
    timeZone: "Europe/Amsterdam",
    newest: false,
    now: 0,
  });
  assert("draft" in result);
  return result.draft;
}

/** What reading the dataset throws; fails when it does not throw a SyncError. */
export async function readFailure(root: string, path: string): Promise<SyncError> {
  try {
    await readDataset(root, path);
  } catch (e) {
    if (e instanceof SyncError) return e;
    throw e;
  }
  throw new Error(`${path} was read`);
}

/** A source of one dataset `set` with this info file and these files. */
export async function withDataset(
  info: string | Uint8Array | null,
  files: string[],
  fn: (root: string) => Promise<void>,
) {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    const folder = join(root, "set");
    await Deno.mkdir(folder);
    const bytes = typeof info === "string" ? new TextEncoder().encode(info) : info;
    if (bytes) await Deno.writeFile(join(folder, "_QH_dataset_info.yaml"), bytes);
    for (const file of files) {
      await Deno.mkdir(join(folder, file, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, file), file);
    }
    await fn(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
