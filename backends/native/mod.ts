/** qdrive's local database: datasets that users made there go to the platform, and what others change comes back. */
import { defineBackend } from "../../src/kit/define_backend.ts";
import { FIELDS, nativeConfig, validate } from "./config.ts";
import { discover } from "./discover.ts";
import { findDataset } from "./find_dataset.ts";
import { followDataset } from "./live.ts";
import { readDataset } from "./read.ts";
import { writeBack } from "./write_back.ts";

export default defineBackend({
  kind: "database",
  identifier: "etiket_sync_agent_native",
  display_name: "QH datasets",
  version: "1.0.0",
  scope_policy: "DISABLED",
  supports_scope_mapping: false,
  has_owner: false,
  fields: FIELDS,
  validate,
  watchPaths: (config) => {
    const { database } = nativeConfig(config);
    return [database, `${database}-wal`];
  },
  discover: (config, since) => discover(nativeConfig(config), since),
  read: (config, item, context) => readDataset(nativeConfig(config), item, context.staging),
  findDataset: (config, altUid, scope) => findDataset(nativeConfig(config), altUid, scope),
  live: (config, item) => followDataset(nativeConfig(config), item),
  writeBack: (config, item, outcome) => writeBack(nativeConfig(config), item, outcome),
});
