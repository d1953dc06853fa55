/** A child process of this executable in one of its roles: started, listened to, written to, ended. */
import type { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { failures } from "./failures.ts";
import { roleCommand } from "./launch.ts";
import { type OutputLimits, ReaderOutput } from "./reader_output.ts";
import { encode } from "./wire.ts";

/** The ends of its streams are awaited this long after a process died; a grandchild may hold them open for ever. */
const DRAIN_MS = 500;

export interface RoleOptions<M> {
  /** First argument, such as `__reader`. */
  role: string;
  /** See {@link roleCommand}. */
  load: readonly string[];
  /** Folder for its temporary files instead of the system's. */
  temp?: string | undefined;
  /** A clock in ms that never jumps. */
  now: () => number;
  schema: z.ZodType<M>;
  limits?: OutputLimits;
  onMessage(message: M): void;
  onProtocolError(reason: string): void;
  onFlood(reason: string): void;
  /** It is gone and all it said was heard. @param reason what {@link RoleProcess.kill} was given */
  onGone(reason: SyncError | null, ending: string, printed: string): void;
}

export class RoleProcess<M> {
  /** Resolves when the process is gone and that was told. */
  readonly gone: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReaderOutput<M>;
  /** Why it is being killed. */
  #doom: SyncError | null = null;
  #exited = false;

  /** @throws SyncError `reader_start_failed` */
  constructor(private readonly options: RoleOptions<M>) {
    const { role, load, temp, now, schema, limits } = options;
    const { program, args } = roleCommand(role, load);
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
    this.#output = new ReaderOutput(schema, options, now, limits);
    this.gone = this.#attend();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** False once it is dead or about to be. */
  get usable(): boolean {
    return !this.#exited && this.#doom === null;
  }

  /** What {@link kill} was given. */
  get doom(): SyncError | null {
    return this.#doom;
  }

  /** Forgets what it printed so far. */
  forgetOutput(): void {
    this.#output.startTask();
  }

  send(message: unknown): void {
    // A broken pipe means that the process is gone, which #attend sees.
    this.#stdin.write(new TextEncoder().encode(encode(message) + "\n")).catch(() => {});
  }

  /** Ends the process at once. */
  kill(reason: SyncError): void {
    if (!this.usable) return;
    this.#doom = reason;
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
    // Behind a launcher the process is a grandchild: its guard ends it when its stdin ends.
    this.#closeStdin();
  }

  #closeStdin(): void {
    // It fails when the process is gone, which is as good.
    this.#stdin.abort().catch(() => {});
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
    const ending = status.signal ? `signal ${status.signal}` : `exit code ${status.code}`;
    this.options.onGone(this.#doom, ending, this.#output.tail);
  }
}
