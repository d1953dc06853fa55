/** Quantify: measurement containers as datasets, their HDF5 files as netCDF on the measured grid. */
import { defineBackend } from "../../src/kit/define_backend.ts";
import { FIELDS, quantifyConfig, validate } from "./config.ts";
import { CONTAINER_PATH } from "./container_name.ts";
import { followContainer } from "./live.ts";
import { readContainer } from "./read.ts";

export default defineBackend({
  kind: "folder",
  identifier: "etiket_sync_agent_quantify",
  display_name: "Quantify",
  version: "1.0.0",
  scope_policy: "REQUIRED",
  supports_scope_mapping: true,
  has_owner: true,
  level: 2,
  single_file: false,
  name_pattern: CONTAINER_PATH,
  fields: FIELDS,
  rootPath: (config) => quantifyConfig(config).quantify_directory,
  isServerFolder: (config) => quantifyConfig(config).is_server_folder,
  validate,
  read: async (config, item, context) => ({
    draft: await readContainer(quantifyConfig(config), item, context),
  }),
  live: (config, item, context) => followContainer(quantifyConfig(config), item, context),
});
