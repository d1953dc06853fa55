/** What can come next on a command line, from the tree of commands itself. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/**
 * @param previous the complete words after the program's name
 * @param current the word at the cursor, possibly empty
 * @returns one `word<TAB>description` per line; empty when the shell should offer file names
 */
export function candidates(
  program: CommandUnknownOpts,
  previous: readonly string[],
  current: string,
): string {
  // Bash hands over `--status=error` as three words.
  const words = previous.filter((w) => w !== "=");
  let node = program;
  let position = 0;
  let awaiting: Option | undefined;
  for (const word of words) {
    if (awaiting) {
      awaiting = undefined;
    } else if (word.startsWith("-")) {
      const option = optionsOf(node).find((o) => o.long === word || o.short === word);
      if (option && (option.required || option.optional)) awaiting = option;
    } else {
      const next = node.commands.find((c) => c.name() === word || c.aliases().includes(word));
      if (next) {
        node = next;
        position = 0;
      } else position++;
    }
  }
  return lines(offers(node, position, awaiting, current), current === "=" ? "" : current);
}

type Offer = readonly [word: string, description: string];

function offers(
  node: CommandUnknownOpts,
  position: number,
  awaiting: Option | undefined,
  current: string,
): Offer[] {
  if (awaiting) return (awaiting.argChoices ?? []).map((choice) => [choice, ""]);
  if (current.startsWith("-")) {
    return optionsOf(node).map((o) => [o.long ?? o.short ?? "", o.description]);
  }
  const commands = node.createHelp().visibleCommands(node).map((
    c,
  ): Offer => [c.name(), c.summary() || c.description()]);
  const argument = node.registeredArguments[position] ?? node.registeredArguments.findLast((a) => a.variadic);
  return [
    ...commands,
    ...(argument?.argChoices ?? []).map((choice): Offer => [choice, ""]),
  ];
}

/** A command's own options, then those of the commands above it. */
function optionsOf(node: CommandUnknownOpts): Option[] {
  const options: Option[] = [];
  for (let c: CommandUnknownOpts | null = node; c; c = c.parent) {
    options.push(
      ...c.createHelp().visibleOptions(c).filter((o) => !options.some((known) => known.long === o.long)),
    );
  }
  return options;
}

function lines(all: readonly Offer[], prefix: string): string {
  return all.filter(([word]) => word.startsWith(prefix))
    .map(([word, description]) => `${word}\t${description}\n`).join("");
}
