/** What a child process prints: the protocol's messages picked out, the rest measured and its end remembered. */
import type { z } from "zod";
import { OUTPUT } from "./limits.ts";
import { check } from "./protocol.ts";
import { decode, LineSplitter, MARKER } from "./wire.ts";

export type OutputLimits = typeof OUTPUT;

export interface OutputEvents<M> {
  onMessage(message: M): void;
  /** A line of the protocol that makes no sense. */
  onProtocolError(reason: string): void;
  /** It prints more than is allowed. */
  onFlood(reason: string): void;
}

const TAIL_LINES = 5;
const TAIL_LINE_BYTES = 300;
const STACK_FRAME = /^\s+at /;
const MARKER_BYTES = new TextEncoder().encode(MARKER);

export class ReaderOutput<M> {
  readonly #events: OutputEvents<M>;
  readonly #now: () => number;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  #tail: string[] = [];
  #total = 0;
  #secondStart = -Infinity;
  #inSecond = 0;

  /** @param now a clock in ms that never jumps */
  constructor(
    private readonly schema: z.ZodType<M>,
    events: OutputEvents<M>,
    now: () => number,
    private readonly limits: OutputLimits = OUTPUT,
  ) {
    this.#events = events;
    this.#now = now;
  }

  /** Forgets what earlier tasks printed. */
  startTask(): void {
    this.#tail = [];
    this.#total = 0;
  }

  /** The last lines that are neither messages nor frames of a stack, as one line. */
  get tail(): string {
    return this.#tail.join(" | ");
  }

  /** Reads a stream to its end. @param carriesMessages true for stdout */
  async read(stream: ReadableStream<Uint8Array>, carriesMessages: boolean): Promise<void> {
    const lines = new LineSplitter();
    const reader = stream.getReader();
    this.#readers.push(reader);
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (const line of lines.push(part.value)) {
        if (carriesMessages && isMessage(line)) this.#take(line.subarray(MARKER_BYTES.length));
        else this.#remember(line);
      }
      this.#measure(part.value.length, lines.pending);
    }
  }

  /** Stops reading, though somebody else may still hold the streams open. */
  async cancel(): Promise<void> {
    await Promise.allSettled(this.#readers.map((r) => r.cancel()));
  }

  #take(line: Uint8Array): void {
    try {
      this.#events.onMessage(check(this.schema, decode(new TextDecoder().decode(line)), "a message"));
    } catch (e) {
      this.#events.onProtocolError(e instanceof Error ? e.message : String(e));
    }
  }

  #remember(line: Uint8Array): void {
    const text = new TextDecoder().decode(line.subarray(0, TAIL_LINE_BYTES)).trimEnd();
    if (text === "" || STACK_FRAME.test(text)) return;
    this.#tail.push(text);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }

  #measure(bytes: number, pending: number): void {
    const now = this.#now();
    if (now - this.#secondStart >= 1000) [this.#secondStart, this.#inSecond] = [now, 0];
    this.#inSecond += bytes;
    this.#total += bytes;
    const { limits } = this;
    if (pending > limits.line) this.#events.onFlood(`a line of more than ${limits.line} bytes`);
    else if (this.#inSecond > limits.perSecond) {
      this.#events.onFlood(`more than ${limits.perSecond} bytes a second`);
    } else if (this.#total > limits.total) this.#events.onFlood(`more than ${limits.total} bytes`);
  }
}

function isMessage(line: Uint8Array): boolean {
  return MARKER_BYTES.every((byte, i) => line[i] === byte);
}
