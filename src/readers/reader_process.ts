/** One reader process, seen from the agent. */
import { SyncError } from "../kit/errors.ts";
import { failures } from "./failures.ts";
import { readerCommand } from "./launch.ts";
import { START_MS } from "./limits.ts";
import type { Message, Request } from "./protocol.ts";
import { ReaderOutput } from "./reader_output.ts";
import { encode } from "./wire.ts";

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

/** The ends of its streams are awaited this long after a process died; a grandchild may hold them open for ever. */
const DRAIN_MS = 500;

export class ReaderProcess {
  /** Resolves when the process is gone and has no task any more. */
  readonly gone: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReaderOutput;
  #running: Running | null = null;
  /** It has said that it takes tasks. */
  #ready = false;
  /** Why it is being killed. */
  #doom: SyncError | null = null;
  #exited = false;

  /**
   * @param load see {@link readerCommand}
   * @param now a clock in ms that never jumps
   * @throws SyncError `reader_start_failed`
   */
  /** @param temp folder for its temporary files instead of the system's */
  constructor(load: readonly string[], now: () => number, temp?: string) {
    const { program, args } = readerCommand(load);
    try {
      this.#child = new Deno.Command(program, {
        args,
        env: { NO_COLOR: "1", ...(temp === undefined ? {} : { TMPDIR: temp, TMP: temp, TEMP: temp }) },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (e) {
      throw failures.start(SyncError.from(e).message, e);
    }
    this.#stdin = this.#child.stdin.getWriter();
    this.#output = new ReaderOutput({
      onMessage: (message) => this.#receive(message),
      onProtocolError: (reason) => this.kill(failures.protocol(this.#label, reason)),
      onFlood: (reason) => this.kill(failures.flood(this.#label, reason)),
    }, now);
    this.gone = this.#attend();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** False once it is dead or about to be. */
  get usable(): boolean {
    return !this.#exited && this.#doom === null;
  }

  /**
   * Runs one task; only one at a time.
   * @throws SyncError `reader_…` when the process does not answer, or what {@link kill} was given
   */
  async run(request: Request, label: string, deadlineMs: number): Promise<Answer> {
    if (!this.usable) throw this.#doom ?? failures.start("it ended while it was idle");
    const line = new TextEncoder().encode(encode(request) + "\n");
    this.#output.startTask();
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
        // A broken pipe means that the process is gone, which #attend sees.
        this.#stdin.write(line).catch(() => {});
      });
    } finally {
      clearTimeout(timer);
      this.#running = null;
    }
  }

  /** Ends the process at once; a running task fails with `reason`. */
  kill(reason: SyncError): void {
    if (!this.usable) return;
    this.#doom = reason;
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
    // Behind a launcher the reader is a grandchild: its guard ends it when its stdin ends.
    this.#closeStdin();
  }

  get #label(): string {
    return this.#running?.label ?? "an idle reader process";
  }

  #closeStdin(): void {
    // It fails when the process is gone, which is as good.
    this.#stdin.abort().catch(() => {});
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

  /** Reads what it prints until it is gone. */
  async #attend(): Promise<void> {
    const { stdout, stderr } = this.#child;
    const streams = Promise.allSettled([this.#output.read(stdout, true), this.#output.read(stderr, false)]);
    const status = await this.#child.status;
    this.#exited = true;
    const timer = setTimeout(() => this.#output.cancel(), DRAIN_MS);
    await streams;
    clearTimeout(timer);
    this.#closeStdin();
    this.#running?.reject(this.#doom ?? this.#ended(this.#running.label, status));
  }

  #ended(label: string, status: Deno.CommandStatus): SyncError {
    const ending = status.signal ? `signal ${status.signal}` : `exit code ${status.code}`;
    const printed = this.#output.tail;
    return this.#ready ? failures.crash(label, ending, printed) : failures.start(`${ending}: ${printed}`);
  }
}
