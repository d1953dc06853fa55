/** A screen of its own in the terminal, redrawn in place; what was there before comes back at the end. */
import type { FrameSize } from "./frame.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

export interface Terminal {
  write(text: string): void;
  size(): FrameSize;
}

/** A terminal that does not know its size counts as an ordinary one. */
export function terminalSize(): FrameSize {
  const { columns, rows } = Deno.consoleSize();
  return { columns: columns || 80, rows: rows || 24 };
}

export class Screen {
  #lines: readonly string[] = [];
  #open = true;
  readonly #restore = () => this.close();

  constructor(private readonly terminal: Terminal) {
    terminal.write(ENTER);
    // Also when the program is ended by a second signal.
    globalThis.addEventListener("unload", this.#restore);
  }

  get size(): FrameSize {
    return this.terminal.size();
  }

  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    this.#lines = lines;
    this.terminal.write("\x1b[H" + lines.map((line) => `${line}\x1b[K`).join("\r\n") + "\x1b[J");
  }

  /** Shows a line below what is drawn. */
  note(text: string): void {
    this.draw([...this.#lines.slice(0, this.size.rows - 2), "", text]);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    globalThis.removeEventListener("unload", this.#restore);
    this.terminal.write(LEAVE);
  }
}

/** Calls `end` when q, Ctrl-C or Ctrl-D is pressed. @returns gives the keyboard back */
export function onEndKey(end: () => void): () => void {
  if (!Deno.stdin.isTerminal()) return () => {};
  Deno.stdin.setRaw(true);
  const keys = new Uint8Array(64);
  const listen = async () => {
    for (let n = await Deno.stdin.read(keys); n !== null; n = await Deno.stdin.read(keys)) {
      if (keys.subarray(0, n).some((key) => [3, 4, 0x71, 0x51].includes(key))) end();
    }
  };
  // A terminal that is gone ends the program by its own signal.
  listen().catch(() => {});
  return () => Deno.stdin.setRaw(false);
}
