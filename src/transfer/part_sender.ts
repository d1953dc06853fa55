/** Sends the parts of an open upload that are missing. */
import { createHash } from "node:crypto";
import { SyncError } from "../kit/errors.ts";
import type { FileBody } from "../platform/transport.ts";
import { ReplyError } from "../platform/errors.ts";
import type { HashAlong } from "./hash_along.ts";
import { type PartConnections, partConnections } from "./part_connections.ts";
import { putBytes } from "./put_bytes.ts";
import { isAnotherTryWorthwhile, pauseAfter, type UploadJob } from "./upload_job.ts";
import type { OpenUpload } from "./upload_journal.ts";

const MD5_OF_NOTHING = createHash("md5").digest("hex");

export class PartSender {
  /** PUTs made. */
  puts = 0;
  readonly notes: string[] = [];
  readonly #etags = new Map<number, string>();
  /** Bytes of each part that are with the store, or on their way. */
  readonly #sent = new Map<number, number>();
  readonly #connections: PartConnections;
  /** Numbers of parts that were not begun. */
  #missing: number[] = [];
  #stop = false;

  constructor(
    private readonly job: UploadJob,
    private readonly upload: OpenUpload,
    private readonly what: string,
    private readonly hashing: HashAlong | null,
  ) {
    this.#connections = partConnections(job.transfer, upload.urls[0] ?? "", job.env);
    for (const part of upload.parts) {
      this.#etags.set(part.number, part.etag);
      this.#sent.set(part.number, this.#sizeOf(part.number));
    }
  }

  /** ETags of all parts, in order. */
  etags(): string[] {
    return this.upload.urls.map((_, i) => this.#etags.get(i + 1) ?? "");
  }

  /** Sends until all parts are there. When one fails, parts under way are finished, for they need not be sent again. */
  async sendMissing(): Promise<void> {
    const missing = this.#missing = this.upload.urls.map((_, i) => i + 1).filter((n) => !this.#etags.has(n));
    const connections = this.#connections;
    const leave = connections.enter();
    const failures: unknown[] = [];
    const underWay = new Set<Promise<void>>();
    try {
      while (underWay.size > 0 || (missing.length > 0 && !this.#stop)) {
        while (!this.#stop && underWay.size < connections.value) {
          const number = missing.shift();
          if (number === undefined) break;
          const end = this.#send(number).catch((e) => {
            this.#stop = true;
            failures.push(e);
          }).finally(() => underWay.delete(end));
          underWay.add(end);
        }
        await Promise.race(underWay);
      }
    } finally {
      leave();
    }
    if (failures.length === 0) return;
    // What a part was told says more than that another one lost its connection.
    throw failures.find((e) => !(e instanceof SyncError && e.class === "network")) ?? failures[0];
  }

  /** One part: at most three PUTs. */
  async #send(number: number): Promise<void> {
    const { job, upload } = this;
    const what = `${this.what}, part ${number} of ${upload.urls.length}`;
    const size = this.#sizeOf(number);
    const url = upload.urls[number - 1] ?? "";
    for (let puts = 1;; puts++) {
      const start = (number - 1) * upload.part_size;
      const part = job.source.part(start, size);
      const { body, md5 } = hashed(this.hashing?.along(start, part) ?? part);
      const began = job.env.monotonic();
      this.puts++;
      try {
        const { reply, note } = await putBytes(job, url, body, md5, what, (sent) => {
          this.#sent.set(number, sent);
          this.#progress();
        });
        if (note && !this.notes.includes(note)) this.notes.push(note);
        const etag = reply.headers.get("etag") ?? `"${md5()}"`;
        this.#connections.arrived(size, job.env.monotonic() - began);
        const sent = { number, md5: md5(), etag };
        job.transfer.journal.partDone(upload.file_uuid, upload.version_id, sent);
        this.#etags.set(number, etag);
        await this.hashing?.sent(sent, job.signal);
        return;
      } catch (e) {
        job.signal?.throwIfAborted();
        this.#connections.failed();
        this.#sent.set(number, 0);
        if (isRefusal(e) || this.#stop || !isAnotherTryWorthwhile(e)) throw e;
        this.notes.push(`part ${number}, attempt ${puts}: ${e.message}`);
        if (e.class === "network") await this.#askWhetherRefused(url, what);
        await pauseAfter(job, e, puts, what);
      }
    }
  }

  /**
   * A store that refuses a part may answer and hang up while the part is being sent, so that its answer is lost. An empty
   * PUT to the same link, or to that of a part that was not begun, brings it to light; the real ones soon replace it.
   * @throws the refusal
   */
  async #askWhetherRefused(url: string, what: string): Promise<void> {
    const empty = { size: 0, async *chunks() {} };
    const another = this.upload.urls[(this.#missing[0] ?? 0) - 1] ?? url;
    // The first one may be lost on a connection that the store has closed already.
    for (const link of [url, url, another]) {
      try {
        await putBytes(this.job, link, empty, () => MD5_OF_NOTHING, what, () => {});
        return;
      } catch (e) {
        if (isRefusal(e)) throw e;
      }
    }
  }

  #sizeOf(number: number): number {
    const { part_size } = this.upload;
    return Math.min(part_size, this.job.source.size - (number - 1) * part_size);
  }

  #progress(): void {
    this.job.onProgress?.(this.#sent.values().reduce((sum, n) => sum + n, 0), this.job.source.size);
  }
}

/** The link itself is refused: sending the same bytes to it again is of no use. */
function isRefusal(e: unknown): boolean {
  return e instanceof ReplyError && e.class === "platform" && [403, 404, 410].includes(e.status);
}

/** A body that is hashed while it is read; `md5` once all of it was. */
function hashed(body: FileBody): { body: FileBody; md5: () => string } {
  let hash = createHash("md5");
  let digest: string | undefined;
  return {
    body: {
      size: body.size,
      async *chunks() {
        hash = createHash("md5");
        digest = undefined;
        for await (const chunk of body.chunks()) {
          hash.update(chunk);
          yield chunk;
        }
      },
    },
    md5: () => digest ??= hash.digest("hex"),
  };
}
