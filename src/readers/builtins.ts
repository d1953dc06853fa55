/** The built-in backends and converters, each loaded only when it is used. Keys are their short names. */

export type ModuleLoader = () => Promise<{ default: unknown }>;

export const BUILTIN_BACKENDS: Record<string, ModuleLoader> = {
  core_tools: () => import("../../backends/core_tools/mod.ts"),
  folderbase: () => import("../../backends/folderbase/mod.ts"),
  labber: () => import("../../backends/labber/mod.ts"),
  native: () => import("../../backends/native/mod.ts"),
  qcodes: () => import("../../backends/qcodes/mod.ts"),
  quantify: () => import("../../backends/quantify/mod.ts"),
  resonance: () => import("../../backends/resonance/mod.ts"),
};

export const BUILTIN_CONVERTERS: Record<string, ModuleLoader> = {
  csv_to_hdf5: () => import("../../converters/csv_to_hdf5/mod.ts"),
  zarr_to_netcdf4: () => import("../../converters/zarr_to_netcdf4/mod.ts"),
  zarr_to_zip: () => import("../../converters/zarr_to_zip/mod.ts"),
};
