/**
 * The pool of reader processes, in which all code of backends and converters runs and all of a user's HDF5 files
 * are opened: what hangs, crashes or eats memory there costs one task and nothing else.
 */
import { type Env, systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { asConverterFailure, describeTask, failures } from "./failures.ts";
import { DEADLINES, IDLE_MS, MEMORY_BYTES, RECYCLE } from "./limits.ts";
import { check } from "./protocol.ts";
import { type Answer, ReaderProcess } from "./reader_process.ts";
import { TASKS } from "./task_schemas.ts";
import type { ReaderPool, ReaderTasks, RunOptions, TaskKind } from "./tasks.ts";

export interface ReaderPoolOptions {
  /** Most processes at a time: 2 unless said, never more than processor cores. */
  max?: number;
  /** URLs (`file:///…`) of modules with backends and converters besides the built-in ones. */
  load?: readonly string[];
  /** Existing folder for temporary files of the processes, emptied by its owner; default the system's. */
  temp?: string | undefined;
  /** Told when processes start, are recycled and are killed. */
  log?: (line: string) => void;
  env?: Env;
}

/** Makes a pool; processes are started when they are needed. */
export function createReaderPool(options: ReaderPoolOptions = {}): ReaderPool {
  return new Pool(options);
}

/** A process and what it has done. */
interface Member {
  process: ReaderProcess;
  /** Whose task it runs. */
  owner: number | undefined;
  /** When it got that task, ms of a clock that never jumps. */
  since: number;
  tasks: number;
  errors: number;
  idleTimer: ReturnType<typeof setTimeout> | undefined;
}

interface Waiting {
  owner: number | undefined;
  start(member: Member): void;
  fail(error: SyncError): void;
}

/** Processes beyond the limit, for owners that have none while slow tasks of others hold them all. */
const EXTRA = 2;
/** A task is slow when it takes longer than this, ms. */
const SLOW_MS = 500;
/** They are ended soon, but not while one task follows another: starting a process costs more than most tasks. */
const EXTRA_IDLE_MS = 1000;

class Pool implements ReaderPool {
  readonly #max: number;
  readonly #load: readonly string[];
  readonly #log: (line: string) => void;
  readonly #env: Env;
  readonly #temp: string | undefined;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  /** Tasks that wait for a process, longest first. */
  readonly #waiting: Waiting[] = [];
  #nextId = 1;
  #slowTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor({ max = 2, load = [], log = () => {}, env = systemEnv, temp }: ReaderPoolOptions) {
    this.#max = Math.max(1, Math.min(max, navigator.hardwareConcurrency));
    [this.#load, this.#log, this.#env, this.#temp] = [load, log, env, temp];
  }

  async run<K extends TaskKind>(
    kind: K,
    input: ReaderTasks[K]["input"],
    options: RunOptions = {},
  ): Promise<ReaderTasks[K]["output"]> {
    const label = describeTask(kind, input);
    try {
      const member = await this.#acquire(label, options.owner, options.signal);
      const answer = await this.#runOn(member, kind, input, label, options).finally(() =>
        this.#release(member)
      );
      if (answer.type === "error") throw SyncError.fromData(answer.error);
      return check(TASKS[kind].output, answer.output, `the result of ${kind}`);
    } catch (e) {
      const error = SyncError.from(e);
      throw kind === "convert" ? asConverterFailure(error) : error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#slowTimer);
    const closed = failures.aborted("closing the reader processes");
    for (const waiting of this.#waiting.splice(0)) waiting.fail(closed);
    const all = [...this.#members];
    for (const member of all) this.#retire(member, closed);
    await Promise.all(all.map((m) => m.process.gone));
  }

  async #runOn<K extends TaskKind>(
    member: Member,
    kind: K,
    input: ReaderTasks[K]["input"],
    label: string,
    { deadlineMs = DEADLINES[kind], memoryBytes = MEMORY_BYTES, signal }: RunOptions,
  ): Promise<Answer> {
    const stop = () => member.process.kill(failures.aborted(label, signal?.reason));
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      const request = { id: this.#nextId++, kind, input, memory: memoryBytes };
      member.tasks++;
      const answer = await member.process.run(request, label, deadlineMs);
      if (answer.type === "error") member.errors++;
      const reason = recycleReason(member, answer);
      if (reason) this.#retire(member, failures.aborted(reason));
      return answer;
    } catch (e) {
      this.#log(`reader process ${member.process.pid}: ${SyncError.from(e).message}`);
      this.#retire(member, SyncError.from(e));
      throw e;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** A process for one task: an idle one, a new one, or the first that others leave. */
  #acquire(label: string, owner: number | undefined, signal: AbortSignal | undefined): Promise<Member> {
    return new Promise((resolve, reject) => {
      if (this.#closed || signal?.aborted) throw failures.aborted(label, signal?.reason);
      const cancel = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(failures.aborted(label, signal?.reason));
      };
      const settled = () => signal?.removeEventListener("abort", cancel);
      const waiting: Waiting = {
        owner,
        start: (member: Member) => (settled(), resolve(member)),
        fail: (error: SyncError) => (settled(), reject(error)),
      };
      signal?.addEventListener("abort", cancel, { once: true });
      this.#waiting.push(waiting);
      this.#assign();
    });
  }

  /** Gives processes to those who wait. */
  #assign(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      const member = this.#takeIdle() ?? this.#spawn(next);
      // Its start failed, which was said to the one who waited.
      if (!member) continue;
      clearTimeout(member.idleTimer);
      member.owner = next.owner;
      member.since = this.#env.monotonic();
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.start(member);
    }
  }

  /** Who gets a process now: the first in line, or, when slow tasks hold them all, the first whose owner has none. */
  #next(): Waiting | undefined {
    const idle = this.#idle.some((m) => m.process.usable);
    if (idle || this.#members.size < this.#max) return this.#waiting[0];
    if (this.#members.size >= this.#max + EXTRA) return undefined;
    const busy = new Set([...this.#members].map((m) => m.owner));
    const other = this.#waiting.find((w) => w.owner !== undefined && !busy.has(w.owner));
    const slowAt = Math.max(...[...this.#members].map((m) => m.since)) + SLOW_MS;
    const wait = slowAt - this.#env.monotonic();
    if (!other || wait <= 0) return other;
    clearTimeout(this.#slowTimer);
    this.#slowTimer = setTimeout(() => this.#assign(), wait);
  }

  #takeIdle(): Member | undefined {
    for (let member = this.#idle.pop(); member; member = this.#idle.pop()) {
      if (member.process.usable) return member;
    }
  }

  #spawn(waiting: Waiting): Member | undefined {
    let process;
    try {
      process = new ReaderProcess(this.#load, () => this.#env.monotonic(), this.#temp);
    } catch (e) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.fail(SyncError.from(e));
      return undefined;
    }
    const member: Member = { process, owner: undefined, since: 0, tasks: 0, errors: 0, idleTimer: undefined };
    this.#members.add(member);
    this.#log(`reader process ${process.pid} started`);
    process.gone.then(() => {
      this.#forget(member);
      this.#assign();
    });
    return member;
  }

  #release(member: Member): void {
    member.owner = undefined;
    if (!this.#members.has(member) || !member.process.usable) return;
    const close = () => this.#retire(member, failures.aborted("an idle reader process"));
    const timer = setTimeout(close, this.#members.size > this.#max ? EXTRA_IDLE_MS : IDLE_MS);
    Deno.unrefTimer(timer);
    member.idleTimer = timer;
    this.#idle.push(member);
    this.#assign();
  }

  /** Ends a process; it counts until it is gone. */
  #retire(member: Member, reason: SyncError): void {
    member.process.kill(reason);
    const at = this.#idle.indexOf(member);
    if (at >= 0) this.#idle.splice(at, 1);
    clearTimeout(member.idleTimer);
  }

  #forget(member: Member): void {
    this.#retire(member, failures.aborted("a reader process that ended"));
    this.#members.delete(member);
  }
}

/** Why a process that has answered should get no further task, or undefined. */
function recycleReason(member: Member, answer: Answer): string | undefined {
  if (answer.damaged) return "an error inside HDF5 or WebAssembly";
  if (member.tasks >= RECYCLE.tasks) return `${member.tasks} tasks`;
  if (member.errors >= RECYCLE.errors) return `${member.errors} errors`;
  if (answer.rss > RECYCLE.rss) return `${answer.rss} bytes of memory`;
}
