/**
 * md5 and SHA-256 of files that are still being written, counted by a thread of its own: it reads what has arrived
 * back from the system's cache, so that hashes are there soon after the last byte and requests do not wait for them.
 */
import type { createHash, Hash } from "node:crypto";
import { z } from "zod";

type CreateHash = typeof createHash;

/** What the thread is told: to count a file from its start up to `end`, to stop that, or to take a range at once. */
type Order =
  | { id: number; path: string; end: number; isLast: boolean }
  | { id: number; drop: true }
  | { id: number; path: string; start: number; end: number };

const Hashes = z.object({ md5: z.string(), sha256: z.string() });
export type Hashes = z.infer<typeof Hashes>;

const Answer = z.object({
  id: z.number(),
  /** Bytes counted so far. */
  at: z.number().optional(),
  hashes: Hashes.optional(),
  error: z.string().optional(),
});

/** What the thread works on. */
interface Job {
  result: PromiseWithResolvers<Hashes>;
  /** Bytes that are counted, and those that can be. */
  at: number;
  end: number;
}

/** The hashes of one file. */
export interface FileHash {
  /** Bytes before `end` are in the file and stay as they are: they can be counted. */
  advance(end: number): void;
  /** Hashes of the bytes before `end`, once. Rejects when the file can't be read or it was dropped. */
  digest(end: number): Promise<Hashes>;
  /** Ends the count; the thread ends with the last one. */
  drop(): void;
}

export class HashThread {
  #worker: Worker | null = null;
  #next = 0;
  readonly #jobs = new Map<number, Job>();

  /** Bytes that could be counted and are not yet. */
  get backlog(): number {
    return this.#jobs.values().reduce((sum, { at, end }) => sum + end - at, 0);
  }

  /** Begins to count a file; it costs nothing before the first {@link FileHash.advance}. */
  count(path: string): FileHash {
    const { id, job } = this.#begin(0);
    const tell = (end: number, isLast: boolean) => {
      if (!this.#jobs.has(id)) return;
      job.end = Math.max(job.end, end);
      this.#thread().postMessage({ id, path, end, isLast } satisfies Order);
    };
    return {
      advance: (end) => tell(end, false),
      digest: (end) => {
        tell(end, true);
        return job.result.promise;
      },
      drop: () => this.#drop(id),
    };
  }

  /** md5 of the bytes from `start` to before `end` of a file. Goes before counts: somebody waits for it. */
  async md5(path: string, start: number, end: number): Promise<string> {
    const { id, job } = this.#begin(end - start);
    try {
      this.#thread().postMessage({ id, path, start, end } satisfies Order);
      return (await job.result.promise).md5;
    } finally {
      this.#drop(id);
    }
  }

  #begin(end: number): { id: number; job: Job } {
    const id = this.#next++;
    const job: Job = { result: Promise.withResolvers(), at: 0, end };
    // Nobody may be waiting for it.
    job.result.promise.catch(() => {});
    this.#jobs.set(id, job);
    return { id, job };
  }

  #drop(id: number): void {
    this.#jobs.get(id)?.result.reject(new Error("the count was given up"));
    this.#jobs.delete(id);
    if (this.#jobs.size > 0) return this.#worker?.postMessage({ id, drop: true } satisfies Order);
    this.#worker?.terminate();
    this.#worker = null;
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    // Made from source text: a worker in a file of its own would be missing from a bundle.
    const source = `import { createHash } from "node:crypto";\n(${hashThread})(createHash)`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(url, { type: "module" });
    URL.revokeObjectURL(url);
    worker.onmessage = (event: MessageEvent<unknown>) => {
      const { id, at, hashes, error } = Answer.parse(event.data);
      const job = this.#jobs.get(id);
      if (job && at !== undefined) job.at = at;
      if (hashes) job?.result.resolve(hashes);
      if (error !== undefined) job?.result.reject(new Error(error));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      for (const { result } of this.#jobs.values()) result.reject(new Error(event.message));
    };
    return this.#worker = worker;
  }
}

/** Runs in the thread; must not refer to anything outside of itself. */
function hashThread(createHash: CreateHash): void {
  interface Count {
    file: Deno.FsFile;
    at: number;
    end: number;
    isLast: boolean;
    md5: Hash;
    sha256: Hash;
  }
  const thread = globalThis as unknown as {
    postMessage(answer: Record<string, unknown>): void;
    onmessage: (event: MessageEvent<Order>) => void;
  };
  const PIECE = 1024 * 1024;
  // Counts take turns of 8 MiB, so that a small file does not wait for a large one.
  const TURN = 8 * PIECE;
  const buffer = new Uint8Array(PIECE);
  const counts = new Map<number, Count>();
  let isRunning = false;

  /** Hashes what comes next in a file, from `at` to before `end`. */
  function read(file: Deno.FsFile, at: number, end: number, hashes: Hash[]): void {
    while (at < end) {
      const length = file.readSync(buffer.subarray(0, Math.min(PIECE, end - at)));
      if (length === null) throw new Error(`the file ends at ${at}, before ${end}`);
      for (const hash of hashes) hash.update(buffer.subarray(0, length));
      at += length;
    }
  }

  function answerRange(id: number, path: string, start: number, end: number): void {
    const file = Deno.openSync(path);
    try {
      file.seekSync(start, 0);
      const md5 = createHash("md5");
      read(file, start, end, [md5]);
      thread.postMessage({ id, hashes: { md5: md5.digest("hex"), sha256: "" } });
    } finally {
      file.close();
    }
  }

  function drop(id: number): void {
    counts.get(id)?.file.close();
    counts.delete(id);
  }

  function takeTurn(id: number, count: Count): void {
    const end = Math.min(count.end, count.at + TURN);
    read(count.file, count.at, end, [count.md5, count.sha256]);
    count.at = end;
    const isDone = count.isLast && end === count.end;
    const hashes = isDone ? { md5: count.md5.digest("hex"), sha256: count.sha256.digest("hex") } : undefined;
    thread.postMessage({ id, at: end, hashes });
    if (isDone) drop(id);
  }

  function guarded(id: number, action: () => void): void {
    try {
      action();
    } catch (e) {
      thread.postMessage({ id, error: String(e) });
      drop(id);
    }
  }

  const waiting = () => [...counts].filter(([, count]) => count.isLast || count.at < count.end);

  async function run(): Promise<void> {
    isRunning = true;
    for (let due = waiting(); due.length > 0; due = waiting()) {
      for (const [id, count] of due) guarded(id, () => takeTurn(id, count));
      // Lets new orders in.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    isRunning = false;
  }

  function take(order: Order): void {
    if ("drop" in order) return drop(order.id);
    if ("start" in order) return answerRange(order.id, order.path, order.start, order.end);
    let count = counts.get(order.id);
    if (!count) {
      const file = Deno.openSync(order.path);
      count = { file, at: 0, end: 0, isLast: false, md5: createHash("md5"), sha256: createHash("sha256") };
      counts.set(order.id, count);
    }
    count.end = Math.max(count.end, order.end);
    count.isLast ||= order.isLast;
    if (!isRunning) run();
  }

  thread.onmessage = ({ data }) => guarded(data.id, () => take(data));
}
