/** QCoDeS: runs of an SQLite database as datasets, their data as netCDF like QCoDeS' own export. */
import { defineBackend } from "../../src/kit/define_backend.ts";
import { FIELDS, qcodesConfig, validate } from "./config.ts";
import { discover } from "./discover.ts";
import { liveRun } from "./live/live.ts";
import { readRunItem } from "./read.ts";

export default defineBackend({
  kind: "database",
  identifier: "etiket_sync_agent_qcodes",
  display_name: "QCoDeS",
  aliases: ["qCoDeS"],
  version: "1.0.0",
  scope_policy: "OPTIONAL",
  supports_scope_mapping: true,
  has_owner: true,
  fields: FIELDS,
  validate,
  watchPaths: (config) => {
    const { database_path: path } = qcodesConfig(config);
    return [path, `${path}-wal`];
  },
  discover: (config, since) => discover(qcodesConfig(config), since, Date.now()),
  read: (config, item, context) => readRunItem(qcodesConfig(config), item, context),
  live: (config, item, context) => liveRun(qcodesConfig(config), item, context),
});
