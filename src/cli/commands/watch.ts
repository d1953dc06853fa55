import { SyncError } from "../../kit/errors.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { onInterrupt } from "../interrupt.ts";
import { type RunningAgent, runningAgent } from "../running_agent.ts";

export const watch = (cli: Cli) =>
  command("watch", {
    summary: "Follow a running agent: sources, running items with progress, errors",
    description: "In a file or pipe there is one line per change; with --json each line is a JSON document.",
    examples: [
      ["etiket-sync watch", "until q or Ctrl-C"],
      ["etiket-sync watch --once", "what it does right now, then exit"],
      ["etiket-sync watch --json | jq .speed", "for scripts"],
    ],
  })
    .option("--once", "show what is going on right now, then exit")
    .action(async (options) => {
      const agent = await runningAgent(cli.home) ?? await notRunning(cli.home);
      if (options.once) return await showOnce(cli, agent);
      const { followAsLines, followOnScreen } = await import("../watch/follow.ts");
      const interrupt = onInterrupt();
      try {
        if (!cli.globals.json && Deno.stdout.isTerminal()) {
          await followOnScreen(cli.home, agent, interrupt.signal);
        } else {
          await followAsLines(agent, cli.globals.json ?? false, interrupt.signal);
        }
      } finally {
        interrupt.done();
      }
    });

async function showOnce(cli: Cli, { client }: RunningAgent): Promise<void> {
  const { frame } = await import("../watch/frame.ts");
  const { RecentErrors } = await import("../watch/recent_errors.ts");
  const activity = await client.activity();
  const errors = await new RecentErrors(client).at(activity);
  const columns = cli.width ?? 160;
  cli.print(activity, (a) => frame(a, errors, { columns, rows: Infinity }).join("\n"));
}

/** @throws SyncError `agent_not_running` */
async function notRunning(home: string): Promise<never> {
  const { join } = await import("node:path");
  const { lockHolder } = await import("../../engine/lock.ts");
  const holder = lockHolder(join(home, "agent.lock"));
  throw new SyncError(
    "usage",
    "agent_not_running",
    holder === undefined
      ? `no agent serves the state folder ${home}`
      : `what works on the state folder ${home} cannot be watched (${holder})`,
    {
      hint: holder === undefined
        ? "Start one: etiket-sync serve"
        : "It is a `once`, or an agent that is just starting: try again in a moment.",
    },
  );
}
