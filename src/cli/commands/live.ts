import { SyncError } from "../../kit/errors.ts";
import type { LiveSessionView } from "../../sdk/live_client.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { onInterrupt } from "../interrupt.ts";
import { servingAgent } from "../running_agent.ts";

export const live = (cli: Cli) =>
  command("live", {
    summary: "Running measurements: which there are, and one as it grows",
    description:
      "A measurement is named by its id or the beginning of it, its dataset's uuid, or its name. " +
      "With --json its events come\nas one line of JSON each, beginning with everything that was measured so far.",
    examples: [
      ["etiket-sync live", "what is being measured, and what ended in the last 10 minutes"],
      ["etiket-sync live 3f2a", "follow one until its end, q or Ctrl-C"],
      ["etiket-sync live 3f2a --json | jq .type", "its events, for scripts"],
    ],
  })
    .argument("[measurement]", "id, dataset or name")
    .action(async (measurement) => {
      const { live: client } = await servingAgent(cli.home);
      const sessions = await client.sessions();
      if (measurement === undefined) {
        const { sessionList } = await import("../live/live_text.ts");
        return cli.print(sessions, (s) => sessionList(s, Date.now(), cli.width));
      }
      const session = chosen(sessions, measurement);
      const { followAsJson, followAsLines, followOnScreen } = await import("../live/follow_live.ts");
      const interrupt = onInterrupt();
      try {
        if (cli.globals.json) await followAsJson(client, session.id, interrupt.signal);
        else if (Deno.stdout.isTerminal()) await followOnScreen(client, session, interrupt.signal);
        else await followAsLines(client, session.id, interrupt.signal);
      } finally {
        interrupt.done();
      }
    });

/** Of several that fit the newest one, running ones first. @throws SyncError `live_session_not_found` */
function chosen(sessions: readonly LiveSessionView[], wanted: string): LiveSessionView {
  const ways: ((s: LiveSessionView) => boolean)[] = [
    (s) => s.id === wanted || s.dataset_uuid === wanted.toLowerCase(),
    (s) => s.name === wanted,
    (s) => s.id.startsWith(wanted.toLowerCase()),
  ];
  for (const fits of ways) {
    const found = sessions.filter(fits);
    const session = found.find((s) => s.state !== "ended") ?? found[0];
    if (session) return session;
  }
  throw new SyncError("usage", "live_session_not_found", `no running measurement is called "${wanted}"`, {
    hint: "See which there are: etiket-sync live",
  });
}
