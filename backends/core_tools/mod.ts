/** core-tools: measurements of a PostgreSQL database as datasets, their arrays as netCDF like core-tools' own export. */
import { defineBackend } from "../../src/kit/define_backend.ts";
import { databaseOf, FIELDS, validate } from "./config.ts";
import { discover } from "./discover.ts";
import { followMeasurement } from "./live.ts";
import { readMeasurement } from "./read.ts";
import { addressOf } from "./server.ts";

export default defineBackend({
  kind: "database",
  identifier: "etiket_sync_agent_core_tools",
  display_name: "core-tools",
  aliases: ["etiket_sync_agent_coretools", "coretools", "core-tools"],
  version: "1.0.0",
  scope_policy: "OPTIONAL",
  supports_scope_mapping: true,
  has_owner: true,
  fields: FIELDS,
  validate,
  watchPaths: () => [],
  address: (config) => addressOf(databaseOf(config).server),
  discover: (config, since) => discover(databaseOf(config), since, Date.now()),
  read: (config, item, context) => readMeasurement(databaseOf(config), item, context),
  live: (config, item, context) => followMeasurement(databaseOf(config), item, context),
});
