/** One reader process, seen from the agent. */
import type { SyncError } from "../kit/errors.ts";
import { failures } from "./failures.ts";
import { START_MS } from "./limits.ts";
import { type Message, messageSchema, type Request } from "./protocol.ts";
import { RoleProcess } from "./role_process.ts";

/** Answer to a task: its result (not yet checked against the kind of task) or the error it threw. */
export type Answer = Extract<Message, { type: "result" | "error" }>;

interface Running {
  request: Request;
  /** What it does, for messages. */
  label: string;
  /** Called when the process is ready: a slow start is not the task's fault. */
  startClock(): void;
  resolve(answer: Answer): void;
  reject(error: SyncError): void;
}

export class ReaderProcess {
  readonly #process: RoleProcess<Message>;
  #running: Running | null = null;
  /** It has said that it takes tasks. */
  #ready = false;

  /**
   * @param load URLs of modules with backends and converters besides the built-in ones
   * @param now a clock in ms that never jumps
   * @param temp folder for its temporary files instead of the system's
   * @throws SyncError `reader_start_failed`
   */
  constructor(load: readonly string[], now: () => number, temp?: string) {
    this.#process = new RoleProcess({
      role: "__reader",
      load,
      now,
      temp,
      schema: messageSchema,
      onMessage: (message) => this.#receive(message),
      onProtocolError: (reason) => this.kill(failures.protocol(this.#label, reason)),
      onFlood: (reason) => this.kill(failures.flood(this.#label, reason)),
      onGone: (reason, ending, printed) =>
        this.#running?.reject(reason ?? this.#ended(this.#running.label, ending, printed)),
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** False once it is dead or about to be. */
  get usable(): boolean {
    return this.#process.usable;
  }

  /** Resolves when the process is gone and has no task any more. */
  get gone(): Promise<void> {
    return this.#process.gone;
  }

  /**
   * Runs one task; only one at a time.
   * @throws SyncError `reader_…` when the process does not answer, or what {@link kill} was given
   */
  async run(request: Request, label: string, deadlineMs: number): Promise<Answer> {
    if (!this.usable) throw this.#process.doom ?? failures.start("it ended while it was idle");
    this.#process.forgetOutput();
    let timer = setTimeout(() => {
      this.kill(failures.start(`it was not ready within ${START_MS / 1000} s`));
    }, START_MS);
    const startClock = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.kill(failures.hang(label, deadlineMs)), deadlineMs);
    };
    if (this.#ready) startClock();
    try {
      return await new Promise((resolve, reject) => {
        this.#running = { request, label, startClock, resolve, reject };
        this.#process.send(request);
      });
    } finally {
      clearTimeout(timer);
      this.#running = null;
    }
  }

  /** Ends the process at once; a running task fails with `reason`. */
  kill(reason: SyncError): void {
    this.#process.kill(reason);
  }

  get #label(): string {
    return this.#running?.label ?? "an idle reader process";
  }

  #receive(message: Message): void {
    const running = this.#running;
    if (message.type === "ready") {
      this.#ready = true;
      running?.startClock();
    } else if (message.type === "memory") {
      this.kill(failures.memory(this.#label, message.rss, running?.request.memory ?? 0));
    } else if (running?.request.id === message.id) running.resolve(message);
    else this.kill(failures.protocol(this.#label, `an answer to a task ${message.id} that does not run`));
  }

  #ended(label: string, ending: string, printed: string): SyncError {
    return this.#ready ? failures.crash(label, ending, printed) : failures.start(`${ending}: ${printed}`);
  }
}
