/** Labber: log files as datasets, each log in them as netCDF on the swept grid. */
import { defineBackend } from "../../src/kit/define_backend.ts";
import { FIELDS, labberConfig, LOG_PATH, validate } from "./config.ts";
import { followLog } from "./live.ts";
import { readLogFile } from "./read.ts";

export default defineBackend({
  kind: "folder",
  identifier: "etiket_sync_agent_labber",
  display_name: "Labber",
  version: "1.0.0",
  scope_policy: "REQUIRED",
  supports_scope_mapping: true,
  has_owner: true,
  level: 4,
  single_file: true,
  name_pattern: LOG_PATH,
  fields: FIELDS,
  rootPath: (config) => labberConfig(config).labber_directory,
  isServerFolder: (config) => labberConfig(config).is_server_folder,
  validate,
  read: async (config, item, context) => ({ draft: await readLogFile(labberConfig(config), item, context) }),
  live: (config, item, context) => followLog(labberConfig(config), item, context),
});
