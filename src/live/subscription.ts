/** One reader of a session, who reads as fast as it can and holds up nobody. */
import { LiveEvent, type LiveEventType } from "./live_event.ts";
import type { Follower, LiveStream } from "./live_stream.ts";
import { type Mergeable, mergeEvents } from "./merge_events.ts";
import type { Snapshot } from "./snapshot.ts";

/** A reader whose next event is older than this gets merged ones, ms. */
export const SLOW_MS = 500;
/** Events merged at once, and their bytes. */
const MERGED_EVENTS = 1000;
const MERGED_BYTES = 8 * 1024 * 1024;

/** An event as it is sent. */
export interface LiveMessage {
  type: LiveEventType;
  epoch: string;
  seq: number;
  /** The event as JSON, in pieces; to be read before the next message is asked for. */
  pieces(): Iterable<string>;
  /** The patches of a snapshot come from here, one by one, for those who send it in parts. */
  snapshot?: Snapshot;
}

/** The JSON of a message as one text. */
export function textOf(message: LiveMessage): string {
  return [...message.pieces()].join("");
}

export function eventOf(message: LiveMessage): LiveEvent {
  return LiveEvent.parse(JSON.parse(textOf(message)));
}

/** Where a reader has been. */
export interface Position {
  epoch?: string | undefined;
  /** The last event that it knows. */
  after?: number | undefined;
}

export class LiveSubscription implements AsyncIterable<LiveMessage>, Follower {
  #epoch: string;
  /** Last event told; undefined = only a snapshot helps. */
  #seq: number | undefined;
  /** Up to here the reader only catches up, which is not slowness. */
  #replayedUpTo: number;
  /** Merged events that are to be told first. */
  #merged: Mergeable[] = [];
  #snapshot: Snapshot | undefined;
  #endTold = false;
  #cancelled = false;
  #heartbeatDue = false;
  #toldAt: number;
  #waiting: (() => void) | undefined;

  constructor(
    private readonly stream: LiveStream,
    position: Position,
    private readonly env: { now(): number; monotonic(): number },
    private readonly onCancel: () => void = () => {},
  ) {
    const { epoch, after } = position;
    const continues = after !== undefined && (epoch === undefined || epoch === stream.epoch) &&
      after <= stream.seq;
    this.#epoch = stream.epoch;
    this.#seq = continues ? after : stream.seq === 0 ? 0 : undefined;
    this.#replayedUpTo = stream.seq;
    this.#toldAt = env.monotonic();
    stream.subscribers.add(this);
  }

  /** The next message; undefined once the session has ended and everything was told, or after `cancel`. */
  async next(): Promise<LiveMessage | undefined> {
    for (;;) {
      const message = this.ready();
      if (message || this.over) return message;
      if (this.#heartbeatDue) return this.#heartbeat();
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  /** The next message if there is one already. */
  ready(): LiveMessage | undefined {
    this.#letGo();
    const { stream } = this;
    if (this.over || stream.seq === 0) return undefined;
    const message = this.#next();
    if (message) {
      this.#seq = message.seq;
      this.#toldAt = this.env.monotonic();
      this.#heartbeatDue = false;
      if (message.type === "end") this.#endTold = true;
    }
    return message;
  }

  /** Nothing comes any more. */
  get over(): boolean {
    return this.#cancelled || this.#endTold;
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#letGo();
    this.stream.subscribers.delete(this);
    this.onCancel();
    this.wake();
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  beat(silentMs: number): void {
    if (!this.#waiting || this.stream.seq === 0 || this.env.monotonic() - this.#toldAt < silentMs) return;
    this.#heartbeatDue = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LiveMessage> {
    try {
      for (let message = await this.next(); message; message = await this.next()) yield message;
    } finally {
      this.cancel();
    }
  }

  #next(): LiveMessage | undefined {
    const { stream } = this;
    const { window } = stream;
    if (this.#epoch !== stream.epoch) {
      this.#epoch = stream.epoch;
      this.#merged = [];
      this.#seq = 0;
      this.#replayedUpTo = 0;
    }
    const merged = this.#merged.shift();
    if (merged) return this.#message(merged, JSON.stringify(merged));
    if (this.#seq === undefined || window.bytesAfter(this.#seq) > stream.limits.bytes) return this.#whole();
    if (this.#seq >= stream.seq) {
      this.#endTold ||= stream.end !== undefined;
      return undefined;
    }
    const event = window.after(this.#seq);
    if (!event) return this.#whole();
    const slow = event.seq > this.#replayedUpTo && this.env.monotonic() - event.at > SLOW_MS;
    if (event.mergeable && slow) {
      this.#merged = this.#mergedFrom(this.#seq);
      return this.#next();
    }
    return this.#message(event, event.text);
  }

  #mergedFrom(seq: number): Mergeable[] {
    const events: Mergeable[] = [];
    let size = 0;
    for (const { mergeable, text } of this.stream.window.from(seq)) {
      if (!mergeable || events.length >= MERGED_EVENTS || size >= MERGED_BYTES) break;
      size += text.length;
      events.push(JSON.parse(text));
    }
    return events.length < 2 ? events : mergeEvents(events, (name) => this.stream.dtypeOf(name));
  }

  #whole(): LiveMessage {
    const snapshot = this.stream.snapshot();
    this.#snapshot = snapshot;
    const { epoch, seq } = snapshot.head;
    return { type: "snapshot", epoch, seq, pieces: () => snapshot.text(), snapshot };
  }

  #message({ type, seq }: { type: LiveEventType; seq: number }, text: string): LiveMessage {
    return { type, epoch: this.#epoch, seq, pieces: () => [text] };
  }

  #heartbeat(): LiveMessage {
    this.#heartbeatDue = false;
    this.#toldAt = this.env.monotonic();
    const { id: session, epoch, seq } = this.stream;
    const text = JSON.stringify({ type: "heartbeat", session, epoch, seq, t: this.env.now() });
    return this.#message({ type: "heartbeat", seq }, text);
  }

  #letGo(): void {
    this.#snapshot?.release();
    this.#snapshot = undefined;
  }
}
