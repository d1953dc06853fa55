/** The tree of commands. Only declarations are loaded here; what a command needs is imported when it runs. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Cli } from "./cli.ts";
import { command } from "./command.ts";
import { backend } from "./commands/backend.ts";
import { completion } from "./commands/completion.ts";
import { config } from "./commands/config.ts";
import { converter } from "./commands/converter.ts";
import { dataset } from "./commands/dataset.ts";
import { doctor } from "./commands/doctor.ts";
import { errors } from "./commands/errors.ts";
import { item } from "./commands/item.ts";
import { live } from "./commands/live.ts";
import { once } from "./commands/once.ts";
import { scope } from "./commands/scope.ts";
import { serve } from "./commands/serve.ts";
import { source } from "./commands/source.ts";
import { status } from "./commands/status.ts";
import { verify } from "./commands/verify.ts";
import { version } from "./commands/version.ts";
import { watch } from "./commands/watch.ts";
import { why } from "./commands/why.ts";
import { writeErr, writeOut } from "./streams.ts";
import { VERSION } from "../version.ts";

const GROUPS: readonly [title: string, build: readonly ((cli: Cli) => CommandUnknownOpts)[]][] = [
  ["Synchronize:", [serve, once, source, item]],
  ["See what happens:", [status, watch, live, errors, why, doctor]],
  ["Platform:", [dataset, scope, verify]],
  ["About this program:", [backend, converter, config, completion, version]],
];

/** Builds the commands; `cli` receives the global options before one runs. */
export function buildProgram(cli: Cli): CommandUnknownOpts {
  const program = command("etiket-sync", {
    summary: "Sends measurements to the eTiKeT platform as files that xarray opens.",
    examples: [
      ["etiket-sync source example qcodes", "how to add a source"],
      ["etiket-sync once", "sync everything that is due"],
      ["etiket-sync serve", "watch the sources and sync what changes"],
      ["etiket-sync status", "what is synced, what is not"],
      ["etiket-sync why FOLDER", "why something is not on the platform"],
    ],
  })
    .option("--home <dir>", "state folder (default: per-user data folder, or ETIKET_SYNC_HOME)")
    .option("--config <file>", "configuration file (default: config.toml in the state folder)")
    .option("--json", "print one JSON document on stdout")
    .option("--quiet", "no progress and talk on stderr")
    .option("--verbose", "more talk on stderr")
    .version(VERSION, "-V, --version", "print the version")
    .hook("preAction", () => {
      cli.globals = program.opts();
    });
  for (const [title, builders] of GROUPS) {
    program.commandsGroup(title);
    for (const build of builders) program.addCommand(build(cli));
  }
  settle(program);
  return program;
}

/** Settings that commander does not hand down to commands that were built on their own. */
function settle(parent: CommandUnknownOpts): void {
  parent
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut, writeErr, outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, commandDescription: () => "", sortSubcommands: false })
    .helpOption("-h, --help", "show this help");
  if (parent.commands.length > 0) parent.helpCommand("help [command]", "show the help of a command");
  parent.commands.forEach(settle);
}
