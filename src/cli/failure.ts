/** What a user sees when a command fails: one sentence what and where, one sentence what to do, and an exit code. */
import { CommanderError } from "@commander-js/extra-typings";
import { SyncError } from "../kit/errors.ts";
import { redact } from "../kit/redact.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";
import { printable } from "./readable.ts";
import { writeErr, writeOut } from "./streams.ts";
import { redOnStderr } from "./style.ts";

/**
 * Reports on stderr, or as `{"error","detail","hint"}` on stdout with `json`.
 * @returns the exit code
 */
export function reportFailure(thrown: unknown, options: { json: boolean; verbose: boolean }): number {
  const interrupted = thrown instanceof DOMException && thrown.name === "AbortError";
  const error = thrown instanceof CommanderError
    ? usageError(thrown)
    : interrupted
    ? new SyncError("usage", "interrupted", "interrupted", {
      hint: "What was done so far stays.",
      cause: thrown,
    })
    : SyncError.from(thrown);
  if (options.json) {
    writeOut(
      JSON.stringify(
        { error: error.code, detail: redact(error.message), hint: redact(error.hint) },
        null,
        2,
      ) +
        "\n",
    );
  } else {
    writeErr(`${redOnStderr("error:")} ${printable(redact(error.message))}\n`);
    if (error.hint) writeErr(`${printable(redact(error.hint))}\n`);
  }
  if (options.verbose) {
    for (let e: unknown = error; e instanceof Error; e = e.cause) {
      writeErr(`${printable(redact(e.stack ?? e.message))}\n`);
    }
  }
  return interrupted ? EXIT.interrupted : exitCodeOf(error);
}

/** `commander.unknownOption` and its like become `unknown_option` with commander's suggestion as the hint. */
function usageError(thrown: CommanderError): SyncError {
  // A group without its command: commander has printed the group's help on stderr.
  if (thrown.code === "commander.help") {
    return new SyncError("usage", "missing_command", "a command is missing", {
      hint: "Choose one of those above.",
    });
  }
  const code = thrown.code.replace(/^commander\./, "").replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  const [first = "", ...rest] = thrown.message.replace(/^error: /, "").split("\n");
  const suggestion = rest.join(" ").trim().replace(/^\((.*)\)$/, "$1");
  return new SyncError("usage", code, first, {
    hint: suggestion || "See `etiket-sync --help`, or `etiket-sync COMMAND --help` for one command.",
  });
}
