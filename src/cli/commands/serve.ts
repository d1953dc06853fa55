import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { onInterrupt } from "../interrupt.ts";
import { portNumber } from "../numbers.ts";
import { printable } from "../readable.ts";

export const serve = (cli: Cli) =>
  command("serve", {
    summary: "Watch all sources and sync what changes, until ended",
    description:
      "Ctrl-C or SIGTERM ends it in good order within 10 s, what is unfinished goes on at the next start; a second\n" +
      "one ends it at once. While it runs, `watch` and `status` show what it does, and all other commands work too.",
    examples: [
      ["etiket-sync serve", "until Ctrl-C"],
      ["etiket-sync serve --port 0 --json", "on any free port, told as JSON"],
    ],
  })
    .option(
      "--host <address>",
      "address of the local API; any but a loopback one needs the token",
      "127.0.0.1",
    )
    .option("--port <n>", "port of the local API (default: api.port of the configuration, 10410)", portNumber)
    .action((options) =>
      cli.withAgent(async (agent) => {
        const { startLocalApi } = await import("../../api/start_local_api.ts");
        const { removeAddress, tokenPath, writeAddress } = await import("../../sdk/agent_address.ts");
        const { VERSION } = await import("../../version.ts");
        const home = agent.home.root;
        const interrupt = onInterrupt();
        try {
          const serving = await agent.serve();
          try {
            const api = await startLocalApi({
              agent,
              serving,
              host: options.host,
              port: options.port ?? agent.settings.api.port,
              tokenPath: tokenPath(home),
              log: (line) => cli.detail(line),
            });
            try {
              const address = {
                pid: Deno.pid,
                url: api.url,
                started: new Date().toISOString(),
                version: VERSION,
              };
              await writeAddress(home, address);
              if (api.remote) {
                cli.warn(
                  `other machines can reach ${options.host}:${api.port}, unencrypted, with ${
                    tokenPath(home)
                  }`,
                );
              }
              cli.print({ ...address, home }, (a) => `etiket-sync serves ${printable(a.home)} at ${a.url}`);
              await aborted(interrupt.signal);
              cli.say("Ending; what is unfinished goes on at the next start.");
              endSoon(cli);
            } finally {
              await removeAddress(home);
              await api.close();
            }
          } finally {
            await serving.close();
          }
        } finally {
          interrupt.done();
        }
      })
    );

/** Longest time that the end may take, ms: a dead network share can hold a file operation for ever. */
const END_MS = 10_000;

/** Ends the process when ending in good order takes too long; everything is durable at any time. */
function endSoon(cli: Cli): void {
  const timer = setTimeout(() => {
    cli.warn("something does not end, such as a read from a dead network share: ended all the same");
    Deno.exit(cli.exitCode);
  }, END_MS);
  Deno.unrefTimer(timer);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
