/**
 * md5 and SHA-256 of files that are still being written, counted by a thread of its own: it reads what has arrived
 * back from the system's cache, so that hashes are there soon after the last byte and requests do not wait for them.
 */
import { z } from "zod";

/** What the thread is told. A file's hashes are of the bytes from its start up to `end`. */
type Order = { id: number; path: string; end: number; isLast: boolean } | { id: number; drop: true };

const Answer = z.object({
  id: z.number(),
  error: z.string().optional(),
  md5: z.string().default(""),
  sha256: z.string().default(""),
});

export interface Hashes {
  md5: string;
  sha256: string;
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
  readonly #waiting = new Map<number, PromiseWithResolvers<Hashes>>();

  /** Begins to count a file; it costs nothing before the first {@link FileHash.advance}. */
  count(path: string): FileHash {
    const id = this.#next++;
    const result = Promise.withResolvers<Hashes>();
    result.promise.catch(() => {});
    this.#waiting.set(id, result);
    return {
      advance: (end) => this.#tell({ id, path, end, isLast: false }),
      digest: (end) => {
        this.#tell({ id, path, end, isLast: true });
        return result.promise;
      },
      drop: () => this.#drop(id),
    };
  }

  #tell(order: Order): void {
    if (this.#waiting.has(order.id)) this.#thread().postMessage(order);
  }

  #drop(id: number): void {
    this.#waiting.get(id)?.reject(new Error("the count was given up"));
    this.#waiting.delete(id);
    if (this.#waiting.size > 0) return this.#worker?.postMessage({ id, drop: true });
    this.#worker?.terminate();
    this.#worker = null;
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    // Made from source text: a worker in a file of its own would be missing from a bundle.
    const url = URL.createObjectURL(new Blob([`(${hashThread})()`], { type: "text/javascript" }));
    const worker = new Worker(url, { type: "module" });
    URL.revokeObjectURL(url);
    worker.onmessage = (event: MessageEvent<unknown>) => {
      const { id, error, ...hashes } = Answer.parse(event.data);
      if (error === undefined) this.#waiting.get(id)?.resolve(hashes);
      else this.#waiting.get(id)?.reject(new Error(error));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message));
    };
    return this.#worker = worker;
  }
}

/** Runs in the thread; must not refer to anything outside of itself. */
function hashThread(): void {
  interface Count {
    file: Deno.FsFile;
    at: number;
    end: number;
    isLast: boolean;
    md5: { update(bytes: Uint8Array): void; digest(encoding: "hex"): string };
    sha256: { update(bytes: Uint8Array): void; digest(encoding: "hex"): string };
  }
  const thread = globalThis as unknown as {
    postMessage(answer: Record<string, unknown>): void;
    onmessage: (event: MessageEvent<Order>) => void;
  };
  // Counts take turns of 8 MiB, so that a small file does not wait for a large one.
  const buffer = new Uint8Array(1024 * 1024);
  const TURN = 8;
  const counts = new Map<number, Count>();
  let isRunning = false;

  function end(id: number): void {
    counts.get(id)?.file.close();
    counts.delete(id);
  }

  function turn(id: number, count: Count): void {
    for (let n = 0; n < TURN && count.at < count.end; n++) {
      const read = count.file.readSync(buffer.subarray(0, Math.min(buffer.length, count.end - count.at)));
      if (read === null) throw new Error(`the file ends at ${count.at}, before ${count.end}`);
      const piece = buffer.subarray(0, read);
      count.md5.update(piece);
      count.sha256.update(piece);
      count.at += read;
    }
    if (count.at < count.end || !count.isLast) return;
    thread.postMessage({ id, md5: count.md5.digest("hex"), sha256: count.sha256.digest("hex") });
    end(id);
  }

  async function run(): Promise<void> {
    isRunning = true;
    while ([...counts.values()].some((count) => count.isLast || count.at < count.end)) {
      for (const [id, count] of counts) {
        try {
          turn(id, count);
        } catch (e) {
          thread.postMessage({ id, error: String(e) });
          end(id);
        }
      }
      // Lets new orders in.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    isRunning = false;
  }

  const nodeCrypto = import("node:crypto");
  thread.onmessage = async ({ data }) => {
    const { createHash } = await nodeCrypto;
    if ("drop" in data) return end(data.id);
    let count = counts.get(data.id);
    if (!count) {
      try {
        const file = Deno.openSync(data.path);
        count = { file, at: 0, end: 0, isLast: false, md5: createHash("md5"), sha256: createHash("sha256") };
        counts.set(data.id, count);
      } catch (e) {
        return thread.postMessage({ id: data.id, error: String(e) });
      }
    }
    count.end = Math.max(count.end, data.end);
    count.isLast ||= data.isLast;
    if (!isRunning) run();
  };
}
