import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { onInterrupt } from "../interrupt.ts";
import { type RunningAgent, servingAgent } from "../running_agent.ts";

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
      const agent = await servingAgent(cli.home);
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
