/** The help of every command, as users see it; `UPDATE_GOLDEN=1 deno test -A src/cli/help_test.ts` rewrites the file. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { assert, assertEquals } from "../../tests/assert.ts";
import { Cli } from "./cli.ts";
import { buildProgram } from "./program.ts";

const GOLDEN = new URL("./help_golden.txt", import.meta.url);

function* all(command: CommandUnknownOpts): Generator<CommandUnknownOpts> {
  yield command;
  for (const c of command.commands) yield* all(c);
}

function pathOf(command: CommandUnknownOpts): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: CommandUnknownOpts): string {
  let text = "";
  command.configureOutput({ writeOut: (t) => void (text += t), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return text;
}

Deno.test("the help of every command is as agreed", async () => {
  const text = [...all(buildProgram(new Cli()))]
    .map((c) => `## ${pathOf(c)}\n\n${c.parent ? withoutGlobals(helpOf(c)) : helpOf(c)}`)
    .join("\n");
  if (Deno.env.get("UPDATE_GOLDEN")) await Deno.writeTextFile(GOLDEN, text);
  assertEquals(text, await Deno.readTextFile(GOLDEN));
});

Deno.test("every command says what it does and shows an example first", () => {
  for (const c of all(buildProgram(new Cli()))) {
    const help = helpOf(c);
    assert(c.summary() !== "", pathOf(c));
    const [examples, usage] = [help.indexOf("\nExamples:\n  "), help.indexOf("\nUsage: ")];
    assert(examples > 0 && examples < usage, `${pathOf(c)} has no example above its usage`);
  }
});

/** The same for every command: shown once is enough. */
function withoutGlobals(help: string): string {
  return help.replace(/\nGlobal Options:\n( .*\n)+/, "");
}
