/** How a command is declared: a summary, then examples, then what commander knows. */
import { Command } from "@commander-js/extra-typings";

export interface CommandText {
  /** One line, for the list of commands. */
  summary: string;
  /** What the help says below it. */
  description?: string;
  /** Shown first in the help; each with what it does. */
  examples?: (readonly [command: string, effect: string])[];
}

/** A command with its help text; options, arguments and action are chained on. */
export function command(name: string, text: CommandText): Command {
  return new Command(name)
    .summary(text.summary)
    .description(text.summary)
    .addHelpText("before", () => helpHead(text));
}

function helpHead({ summary, description, examples = [] }: CommandText): string {
  const lines = [summary + (description ? `\n\n${description}` : "")];
  if (examples.length > 0) {
    const width = Math.max(...examples.map(([example]) => example.length));
    const oneLine = width <= 64;
    lines.push(
      "\nExamples:\n" +
        examples.map(([example, effect]) =>
          oneLine ? `  ${example.padEnd(width)}  ${effect}`.trimEnd() : `  ${example}\n      ${effect}`
        ).join("\n"),
    );
  }
  return lines.join("\n") + "\n";
}
