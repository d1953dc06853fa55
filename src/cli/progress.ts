/** One line on stderr that is rewritten while something long runs; nothing when stderr is no terminal. */
import { printable } from "./readable.ts";
import { writeErr } from "./streams.ts";
import { shorten } from "./table.ts";

const BAR_WIDTH = 20;
const MIN_INTERVAL_MS = 100;

export class ProgressLine {
  #shown = false;
  #last = -Infinity;

  /** @param enabled false shows nothing, whatever is called */
  constructor(
    private readonly enabled: boolean,
    private readonly write: (text: string) => void = writeErr,
    private readonly columns: () => number = () => Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
  ) {}

  /** Shows a text, and what is in work at the end of the line if there is room. At most ten times a second. */
  show(text: string, current = ""): void {
    const now = performance.now();
    if (!this.enabled || now - this.#last < MIN_INTERVAL_MS) return;
    this.#last = now;
    const line = current === "" ? text : `${text}  ${printable(current)}`;
    this.write(`\r\x1b[2K${shorten(line.replaceAll("\n", " "), this.columns() - 1)}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.write("\r\x1b[2K");
    this.#shown = false;
  }
}

/** `████████░░░░░░░░░░░░` */
export function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.min(BAR_WIDTH, Math.round(BAR_WIDTH * done / total)) : 0;
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}
