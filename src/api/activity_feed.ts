/**
 * What the agent does right now as a stream of server-sent events: one look for all listeners, at most four times a
 * second (U14), and none at all while nobody listens.
 */

const INTERVAL_MS = 250;
/** With very many items a look takes some time: it may take this share of all time at most. */
const MAX_SHARE = 0.05;
/** A line that says nothing, so that both sides notice a dead connection. */
const HEARTBEAT_MS = 15_000;
const MAX_LISTENERS = 64;
/** Messages that may wait for a slow reader. */
const MAX_WAITING = 4;

interface Listener {
  stream: ReadableStreamDefaultController<Uint8Array>;
  /** What it was sent last. */
  shown: string;
  sentAt: number;
}

export class ActivityFeed {
  readonly #listeners = new Set<Listener>();
  readonly #encoder = new TextEncoder();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param look what is shown now; JSON */
  constructor(private readonly look: () => unknown, private readonly intervalMs = INTERVAL_MS) {}

  /** A new listener's stream, which begins with what is now; undefined when there are too many or the feed is closed. */
  open(): ReadableStream<Uint8Array> | undefined {
    if (this.#closed || this.#listeners.size >= MAX_LISTENERS) return undefined;
    const now = JSON.stringify(this.look());
    let listener: Listener;
    return new ReadableStream<Uint8Array>({
      start: (stream) => {
        listener = { stream, shown: "", sentAt: 0 };
        this.#listeners.add(listener);
        this.#tell(listener, now);
        this.#timer ??= setTimeout(() => this.#tick(), this.intervalMs);
      },
      cancel: () => this.#drop(listener),
    });
  }

  /** Ends all streams. */
  close(): void {
    this.#closed = true;
    for (const listener of [...this.#listeners]) {
      this.#drop(listener);
      listener.stream.close();
    }
  }

  #tick(): void {
    const begun = performance.now();
    try {
      const now = JSON.stringify(this.look());
      for (const listener of this.#listeners) this.#tell(listener, now);
    } catch {
      // A look that fails, because the disk is full for instance, ends no stream: the next one may do.
    }
    if (this.#listeners.size === 0) return;
    const pause = Math.max(this.intervalMs, (performance.now() - begun) / MAX_SHARE);
    this.#timer = setTimeout(() => this.#tick(), pause);
  }

  /** Who reads too slowly misses steps, but not the last one, and costs no memory. */
  #tell(listener: Listener, now: string): void {
    const changed = listener.shown !== now;
    const silent = performance.now() - listener.sentAt >= HEARTBEAT_MS;
    if ((!changed && !silent) || (listener.stream.desiredSize ?? 0) <= -MAX_WAITING) return;
    listener.stream.enqueue(this.#encoder.encode(changed ? `event: activity\ndata: ${now}\n\n` : ":\n\n"));
    listener.shown = now;
    listener.sentAt = performance.now();
  }

  #drop(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
