/**
 * Resonance: runs of a beamline from SQLite databases with Zarr stores as datasets, their events and images as netCDF;
 * and the writer of such databases.
 */
import { defineBackend } from "../../src/kit/define_backend.ts";
import { FIELDS, resonanceConfig, validate } from "./config.ts";
import { discover } from "./discover.ts";
import { watchedPlaces } from "./places.ts";

export { WriterDatabaseError, WriterStateError } from "./writer/errors.ts";
export type { Image, ImageData } from "./writer/image_type.ts";
export { IndexWriter } from "./writer/index_writer.ts";
export { RunWriter, type RunWriterOptions } from "./writer/run_writer.ts";
export type { Sample } from "./writer/sample.ts";

export default defineBackend({
  kind: "database",
  identifier: "etiket_sync_agent_resonance",
  display_name: "Resonance",
  version: "1.0.0",
  scope_policy: "REQUIRED",
  supports_scope_mapping: false,
  has_owner: true,
  fields: FIELDS,
  validate,
  watchPaths: (config) => watchedPlaces(resonanceConfig(config)),
  discover: (config, since) => discover(resonanceConfig(config), since, Date.now()),
  read: async (config, item, context) => {
    // Brings the readers of Zarr along, which neither discovery nor the writer needs.
    const { readRunItem } = await import("./read.ts");
    return await readRunItem(resonanceConfig(config), item, context);
  },
  live: async (config, item, context) => {
    const { followRun } = await import("./live.ts");
    return await followRun(resonanceConfig(config), item, context);
  },
});
