import { SyncError } from "../../../kit/errors.ts";
import type { SourcePlan } from "../../../readers/tasks.ts";
import type { Agent } from "../../agent.ts";
import { namingSource } from "../../sources/source_secrets.ts";
import type { SourceView } from "../../views.ts";
import { type Check, type CheckResult, fail, noAgent, ok, warn } from "./check.ts";

const PATIENCE_MS = 10_000;

/** Each source: its configuration is usable and its folder or database can be opened by this user. */
export const sourcesReadable: Check = {
  id: "sources",
  title: "Sources",
  async run(context) {
    if (!context.agent) return noAgent(context);
    const { agent } = context;
    const sources = agent.sources.list();
    if (sources.length === 0) return ok("there are no sources yet");
    const results: CheckResult[] = [];
    for (const source of sources) results.push({ ...await look(agent, source), subject: source.name });
    return results;
  },
};

async function look(agent: Agent, source: SourceView): Promise<CheckResult> {
  if (source.status === "stopped") {
    return warn("stopped by the user", `Run: etiket-sync source start "${source.name}"`);
  }
  try {
    const { problems, plan } = await agent.readers.run("resolve", {
      backend: source.backend,
      config: agent.catalog.sources.byId(source.id)?.config ?? source.config_data,
    }, { deadlineMs: PATIENCE_MS });
    if (!plan) {
      return fail(
        problems.join("; "),
        `Correct it: etiket-sync source update "${source.name}" --set KEY=VALUE`,
      );
    }
    return await withPatience(open(plan));
  } catch (e) {
    const error = SyncError.from(namingSource(e, source.name));
    return fail(error.message, error.hint || "See `etiket-sync source errors`.");
  }
}

async function open(plan: SourcePlan): Promise<CheckResult> {
  if (plan.kind === "folder") {
    try {
      for await (const _ of Deno.readDir(plan.root)) break;
      return ok(`${plan.root} can be listed`);
    } catch (e) {
      return unreadable(plan.root, e);
    }
  }
  for (const path of plan.watch_paths) {
    try {
      (await Deno.open(path, { read: true })).close();
    } catch (e) {
      // Companion files such as a -wal exist only at times.
      if (path !== plan.watch_paths[0] && e instanceof Deno.errors.NotFound) continue;
      return unreadable(path, e);
    }
  }
  return ok(plan.watch_paths[0] ? `${plan.watch_paths[0]} can be read` : "its settings are usable");
}

function unreadable(path: string, e: unknown): CheckResult {
  return e instanceof Deno.errors.NotFound
    ? fail(`${path} is not there`, "Connect its disk or share, or correct the path in the source's settings.")
    : fail(
      `${path} cannot be read: ${e instanceof Error ? e.message : e}`,
      "Give the user that runs etiket-sync the right to read it.",
    );
}

/** A dead network share answers never; the check does not wait for it. */
async function withPatience(work: Promise<CheckResult>): Promise<CheckResult> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() =>
      resolve(fail(
        `no answer within ${PATIENCE_MS / 1000} s`,
        "Its disk or share hangs: reconnect it; the source goes on by itself then.",
      )), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
