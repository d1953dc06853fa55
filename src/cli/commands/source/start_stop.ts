import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { sourceCard } from "../../source_text.ts";

export const sourceStart = (cli: Cli) =>
  command("start", {
    summary: "Let a stopped source sync again",
    examples: [["etiket-sync source start raw", ""]],
  })
    .argument("<name>", "name of the source")
    .action((name) =>
      cli.withAgent(async (agent) => {
        await agent.sources.start(name);
        cli.print(agent.sources.get(name), sourceCard);
      })
    );

export const sourceStop = (cli: Cli) =>
  command("stop", {
    summary: "Stop a source until it is started again",
    examples: [["etiket-sync source stop raw", "nothing of it is read or sent"]],
  })
    .argument("<name>", "name of the source")
    .action((name) =>
      cli.withAgent(async (agent) => {
        await agent.sources.stop(name);
        cli.print(agent.sources.get(name), sourceCard);
      })
    );
