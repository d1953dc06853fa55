import { silentFileSystem } from "../../../discovery/file_system_type.ts";
import { systemEnv } from "../../../env.ts";
import { SyncError } from "../../../kit/errors.ts";
import type { SourcePlan } from "../../../readers/tasks.ts";
import { type Check, type CheckResult, noAgent, ok, warn } from "./check.ts";

const PATIENCE_MS = 10_000;

/** How the changes of each source are noticed, and why not at once. */
export const sourceEvents: Check = {
  id: "source_events",
  title: "Watching of sources",
  async run(context) {
    if (!context.agent) return noAgent(context);
    const { agent } = context;
    const results: CheckResult[] = [];
    for (const source of agent.sources.list()) {
      if (source.status === "stopped") continue;
      const { plan } = await agent.readers.run("resolve", {
        backend: source.backend,
        config: agent.catalog.sources.byId(source.id)?.config ?? source.config_data,
      }, { deadlineMs: PATIENCE_MS }).catch(() => ({ plan: null }));
      // What is wrong with a source itself is told by the check of the sources.
      if (plan && !isMissing(plan)) results.push({ ...watching(plan), subject: source.name });
    }
    return results.length > 0 ? results : ok("there is nothing to watch");
  },
};

function isMissing(plan: SourcePlan): boolean {
  if (plan.kind === "database" || plan.server_folder) return false;
  try {
    return !Deno.statSync(plan.root).isDirectory;
  } catch {
    return true;
  }
}

function watching(plan: SourcePlan): CheckResult {
  if (plan.kind === "database") return ok("its database is looked at every 0.2 to 1 s");
  if (plan.server_folder) return ok("a server folder: looked at every 20 s");
  const type = silentFileSystem(plan.root);
  if (type !== undefined) {
    return warn(
      `${plan.root} is on ${type}, which gives no events: looked at every 20 s`,
      "Nothing is lost. Mark it as a server folder, or keep the data on a local disk.",
    );
  }
  try {
    systemEnv.watch(plan.root, { onPaths() {}, onLost() {}, onEnd() {} }).close();
    return ok("changes are noticed at once");
  } catch (e) {
    const error = SyncError.from(e);
    return warn(`${error.message}: looked at every 10 s`, error.hint);
  }
}
