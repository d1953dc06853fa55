/** Entry of the command line. */
import { CommanderError } from "@commander-js/extra-typings";
import { Cli } from "./cli.ts";
import { EXIT } from "./exit_codes.ts";
import { reportFailure } from "./failure.ts";
import { buildProgram } from "./program.ts";
import { writeOut } from "./streams.ts";

/**
 * Runs one command line (without the program's name).
 * @returns the exit code; never rejects
 */
export async function main(args: string[]): Promise<number> {
  const cli = new Cli();
  const program = buildProgram(cli);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  if (args[0] === "__complete") {
    const { candidates } = await import("./completion/candidates.ts");
    const [current = "", ...previous] = args.slice(1);
    writeOut(candidates(program, previous, current.replace(/^=/, "")));
    return EXIT.ok;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return cli.exitCode;
  } catch (thrown) {
    // Help and version arrive as a CommanderError with exit code 0 after they were printed.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
    return reportFailure(thrown, {
      json: cli.globals.json ?? args.includes("--json"),
      verbose: cli.globals.verbose ?? args.includes("--verbose"),
    });
  }
}
