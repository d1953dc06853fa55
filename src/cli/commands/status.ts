import type { SourceView } from "../../engine/views.ts";
import type { AgentStatus } from "../../sdk/schemas.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { count, readableDuration } from "../readable.ts";
import { runningAgent } from "../running_agent.ts";
import { sourceTable } from "../source_text.ts";
import { stateColour } from "../style.ts";
import { keyValues } from "../table.ts";

export const status = (cli: Cli) =>
  command("status", {
    summary: "Show what is synced, what failed, and whether an agent runs",
    examples: [["etiket-sync status", ""], ["etiket-sync status --json", "for monitoring"]],
  }).action(() =>
    cli.withAgent(async (agent) => {
      const { lockHolder } = await import("../../engine/lock.ts");
      const serving = await askAgent(cli, agent.home.root);
      const sources = agent.sources.list();
      const sum = (of: (s: SourceView) => number) => sources.reduce((total, s) => total + of(s), 0);
      const data = {
        home: agent.home.root,
        platform: agent.settings.platform.url ?? "embedded",
        /** Who works on this state folder now, null when nobody does. */
        running: lockHolder(agent.home.lockPath) ?? null,
        /** What the serving agent says of itself, null when none serves. */
        agent: serving,
        items_total: sum((s) => s.items_total),
        items_synchronized: sum((s) => s.items_synchronized),
        items_failed: sum((s) => s.items_failed),
        items_unmapped: sum((s) => s.items_unmapped_scope_count),
        unread_errors: agent.catalog.errors.list(undefined, { viewed: false, limit: 1000 }).length,
        sources,
      };
      cli.print(data, (d) => {
        const facts = keyValues([
          ["state folder", d.home],
          ["platform", d.platform],
          [
            "agent",
            d.running
              ? `running (${d.running})${d.agent ? `, ${d.agent.url}` : ""}`
              : "not running; `etiket-sync serve` or `etiket-sync once` syncs what is due",
          ],
          [
            "state",
            d.agent && stateText(d.agent),
            stateColour(d.agent?.state === "running" ? "ok" : "error"),
          ],
          ["what to do", d.agent?.reason?.hint],
          ["clock", d.agent && clockText(d.agent.clock_offset_ms)],
          ["items", `${d.items_synchronized} of ${d.items_total} synchronized`],
          ["failed", d.items_failed ? `${d.items_failed}: etiket-sync item list --status error` : null],
          [
            "no scope",
            d.items_unmapped ? `${d.items_unmapped}: etiket-sync item list --status no_mapping` : null,
          ],
          [
            "errors",
            d.unread_errors ? `${count(d.unread_errors, "unread error")}: etiket-sync errors --unread` : null,
          ],
        ]);
        return d.sources.length > 0
          ? `${facts}\n${sourceTable(d.sources, cli.width)}`
          : `${facts}\nNo sources yet.`;
      });
      for (const s of sources) {
        if (s.reason) cli.say(`${s.name}: ${s.reason.message}\n  ${s.reason.hint}`);
      }
    })
  );

/** Undefined facts are no reason to show none: an agent that does not answer is said, not an error. */
async function askAgent(
  cli: Cli,
  home: string,
): Promise<(AgentStatus & { url: string; pid: number }) | null> {
  const found = await runningAgent(home);
  if (!found) return null;
  try {
    return { url: found.url, pid: found.pid, ...await found.client.status() };
  } catch (e) {
    cli.warn(e instanceof Error ? e.message : String(e));
    return null;
  }
}

function stateText({ state, reason }: AgentStatus): string {
  return reason ? `${state}: ${reason.message}` : state;
}

/** A clock that is wrong by more than a minute (U10). */
function clockText(offsetMs: number): string | null {
  if (Math.abs(offsetMs) <= 60_000) return null;
  return `this computer is ${readableDuration(Math.abs(offsetMs))} ${
    offsetMs > 0 ? "behind" : "ahead of"
  } the platform`;
}
