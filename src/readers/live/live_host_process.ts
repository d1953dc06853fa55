/** A live host process, seen from the agent: it is pinged, and ended when it does not answer. */
import { SyncError } from "../../kit/errors.ts";
import { failures } from "../failures.ts";
import { MEMORY_BYTES, START_MS } from "../limits.ts";
import { RoleProcess } from "../role_process.ts";
import { type FromHost, fromHostSchema, LIVE_RULES, type LiveRules, type ToHost } from "./protocol.ts";

export interface LiveHostOptions {
  /** URLs of modules with backends besides the built-in ones. */
  load: readonly string[];
  /** Whose sessions they are, for messages. */
  source: string;
  temp?: string | undefined;
  /** A clock in ms that never jumps. */
  now: () => number;
  rules?: LiveRules;
  /** A look may take this long, ms. */
  lookMs?: number;
  memoryBytes?: number;
  onMessage(message: FromHost): void;
  /** It ended, and with it all sessions. */
  onGone(error: SyncError): void;
}

/** A look that takes longer hangs, ms. */
const LOOK_MS = 30_000;
/** It has so long to close its sessions, ms. */
const QUIT_MS = 1000;
/** Values of all sessions come through it: what is too much for one task of a reader is not for months. */
const LIMITS = { line: 64 << 20, perSecond: 1 << 30, total: Infinity };

export class LiveHostProcess {
  readonly #process: RoleProcess<FromHost>;
  readonly #pinging: ReturnType<typeof setInterval>;
  readonly #lookMs: number;
  readonly #pingMs: number;
  #pingedAt: number;
  #ready = false;
  /** When it last answered, monotonic ms. */
  #heardAt: number;

  /** @throws SyncError `reader_start_failed` */
  constructor(private readonly options: LiveHostOptions) {
    this.#lookMs = options.lookMs ?? LOOK_MS;
    this.#pingMs = Math.min(5000, this.#lookMs / 2);
    this.#heardAt = this.#pingedAt = options.now();
    const label = `following the measurements of "${options.source}"`;
    this.#process = new RoleProcess({
      role: "__live",
      load: options.load,
      temp: options.temp,
      now: options.now,
      schema: fromHostSchema,
      limits: LIMITS,
      onMessage: (message) => this.#receive(message, label),
      onProtocolError: (reason) => this.kill(failures.protocol(label, reason)),
      onFlood: (reason) => this.kill(failures.flood(label, reason)),
      onGone: (reason, ending, printed) => {
        clearInterval(this.#pinging);
        options.onGone(
          reason ??
            (this.#ready ? failures.crash(label, ending, printed) : failures.start(`${ending}: ${printed}`)),
        );
      },
    });
    this.#pinging = setInterval(() => this.#ping(label), this.#pingMs);
    Deno.unrefTimer(this.#pinging);
    this.send({
      type: "begin",
      memory: options.memoryBytes ?? MEMORY_BYTES,
      rules: options.rules ?? LIVE_RULES,
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get usable(): boolean {
    return this.#process.usable;
  }

  /** Resolves when the process is gone and that was told. */
  get gone(): Promise<void> {
    return this.#process.gone;
  }

  send(order: ToHost): void {
    this.#process.send(order);
  }

  /** Lets it close its sessions, for which it has a moment. */
  async end(): Promise<void> {
    this.send({ type: "quit" });
    const timer = setTimeout(() => this.kill(failures.aborted("following")), QUIT_MS);
    await this.gone;
    clearTimeout(timer);
  }

  kill(reason: SyncError): void {
    this.#process.kill(reason);
  }

  #ping(label: string): void {
    const now = this.options.now();
    // When it was not asked for long either, the PC slept or this process had no time: that is not its silence.
    if (now - this.#pingedAt > 3 * this.#pingMs) this.#heardAt = now;
    this.#pingedAt = now;
    const silence = now - this.#heardAt;
    const patience = this.#ready ? this.#lookMs : START_MS;
    if (silence > patience + 1000) this.kill(failures.hang(label, patience));
    else this.send({ type: "ping" });
  }

  #receive(message: FromHost, label: string): void {
    if (message.type === "ready") this.#ready = true;
    else if (message.type === "memory") {
      return this.kill(failures.memory(label, message.rss, this.options.memoryBytes ?? MEMORY_BYTES));
    } else if (message.type === "alive") {
      if (message.looking > this.#lookMs) return this.kill(failures.hang(label, this.#lookMs));
      this.#heardAt = this.options.now();
      return;
    }
    this.#heardAt = this.options.now();
    this.#process.forgetOutput();
    this.options.onMessage(message);
  }
}
