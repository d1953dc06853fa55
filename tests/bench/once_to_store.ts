/**
 * One run of `once` of a folderbase source into the embedded platform whose bytes are in an S3 store; prints its report.
 *
 * usage: deno run -A tests/bench/once_to_store.ts HOME ROOT [STORE as JSON]
 */
import { Agent } from "../../src/engine/agent.ts";
import { checkStoreOptions } from "../../src/hub/s3/store_options.ts";

const [home, root, storeText] = Deno.args;
if (home === undefined || root === undefined) throw new Error("HOME and ROOT are missing");
const store = storeText === undefined ? undefined : checkStoreOptions(JSON.parse(storeText));
const agent = await Agent.open({ home, ...(store ? { store } : {}) });
try {
  if (agent.catalog.sources.list().length === 0) {
    await agent.sources.add({
      name: "bench",
      backend: "etiket_sync_agent_folderbase",
      config: { root_directory: root, is_server_folder: false },
      scope: "default",
    });
  }
  const { items: _items, ...report } = await agent.once();
  console.log(JSON.stringify(report));
} finally {
  await agent.close();
}
