/** A session that another process numbers: what a hub knows of a measurement elsewhere. */
import type { LiveSessionView, SessionFacts } from "./live_event.ts";
import type { LiveStream } from "./live_stream.ts";
import type { RelayEvent, RelayPosition } from "./relay_batch.ts";

/** An agent that said nothing for so long: its sessions are shown as stalled, ms. */
export const SILENT_MS = 60_000;
/** An agent that said nothing for so long has vanished, ms. */
export const VANISHED_MS = 10 * 60_000;

export class LiveRelay {
  /** Position of a snapshot whose parts are still coming. */
  #filling: { epoch: string; seq: number } | undefined;
  /** It was ended here, with a number that its agent knows nothing of. */
  #vanished = false;
  #heardAt: number;

  constructor(private readonly stream: LiveStream, private readonly env: { now(): number }) {
    this.#heardAt = env.now();
  }

  get view(): LiveSessionView {
    const { view } = this.stream;
    return view.state === "running" && this.#silence > SILENT_MS ? { ...view, state: "stalled" } : view;
  }

  /** What is known; events from there on are wanted next. */
  get position(): RelayPosition {
    const { epoch, seq } = this.stream;
    return seq > 0 && !this.#vanished ? { epoch, seq } : { epoch: null, seq: 0 };
  }

  /**
   * Takes what is new of some events. What does not follow on what is known is left out, with everything after it: the
   * position then tells where to go on.
   * @throws SyncError `live_change_invalid`
   */
  receive(facts: SessionFacts, events: readonly RelayEvent[]): RelayPosition {
    this.#heardAt = this.env.now();
    this.stream.facts = facts;
    for (const event of events) if (!this.#take(event)) break;
    return this.position;
  }

  /** A session of an agent that vanished ends; it comes back with its agent. */
  checkSilence(): void {
    const { stream } = this;
    if (stream.seq === 0 || stream.end || this.#silence <= VANISHED_MS) return;
    stream.accept({
      type: "end",
      session: stream.id,
      epoch: stream.epoch,
      seq: stream.seq + 1,
      t: this.env.now(),
      reason: "lost",
      evidence: `nothing was heard of the measurement's agent for ${VANISHED_MS / 60_000} minutes`,
      complete: false,
      dataset_uuid: stream.facts.dataset_uuid,
    });
    this.#vanished = true;
  }

  /** Nothing of it was ever whole, and nothing comes any more. */
  get abandoned(): boolean {
    return this.stream.seq === 0 && this.#silence > VANISHED_MS;
  }

  get #silence(): number {
    return this.env.now() - this.#heardAt;
  }

  /** @returns false when it does not follow on what is known */
  #take(event: RelayEvent): boolean {
    const { stream } = this;
    switch (event.type) {
      case "heartbeat":
        return true;
      case "snapshot":
        stream.replace(event);
        // Nobody sees it before it is whole.
        stream.seq = 0;
        this.#vanished = false;
        this.#filling = { epoch: event.epoch, seq: event.seq };
        for (const block of event.patches) stream.fill(block);
        if (!event.more) this.#whole(this.#filling);
        return true;
      case "snapshot_part":
        if (this.#filling?.epoch !== event.epoch || this.#filling.seq !== event.seq) return false;
        for (const block of event.patches) stream.fill(block);
        if (event.last) this.#whole(this.#filling);
        return true;
    }
    const known = stream.seq > 0 && !this.#vanished && event.epoch === stream.epoch;
    if (event.type === "open") {
      if (known) return true;
    } else {
      if (!known) return false;
      if (event.seq <= stream.seq) return true;
      const from = "seq_from" in event ? event.seq_from ?? event.seq : event.seq;
      if (from > stream.seq + 1) return false;
    }
    this.#filling = undefined;
    this.#vanished = false;
    stream.accept(event);
    return true;
  }

  #whole({ seq }: { seq: number }): void {
    this.#filling = undefined;
    this.stream.seq = seq;
    this.stream.wake();
  }
}
