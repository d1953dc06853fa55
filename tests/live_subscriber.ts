/**
 * A subscriber of the local API's event stream, for tests and benchmarks: follows one session through cut connections,
 * asserts that numbers rise by one, and replays what it hears.
 */
import { z } from "zod";
import type { LiveChange, LiveValues } from "../src/kit/live.ts";
import { type Block, LiveEvent, LiveSessionView } from "../src/live/live_event.ts";
import { eventData } from "../src/sdk/event_stream.ts";
import { LiveReplay } from "./live_replay.ts";

/** Where an agent answers. */
export interface AgentAddress {
  url: string;
  token: string;
}

/** @returns nothing while the agent does not answer */
export async function liveSessions({ url, token }: AgentAddress): Promise<LiveSessionView[]> {
  try {
    const reply = await fetch(`${url}/api/v1/live/sessions`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    return z.array(LiveSessionView).parse(await reply.json());
  } catch (error) {
    if (error instanceof TypeError) return [];
    throw error;
  }
}

export class LiveSubscriber {
  /** What is known now: a new epoch and a snapshot begin it anew. */
  replay = new LiveReplay();
  readonly epochs = new Set<string>();
  seq = 0;
  #epoch = "";
  /** Connections so far. */
  connections = 0;
  #cut = new AbortController();

  constructor(
    private readonly agent: AgentAddress,
    readonly session: string,
    private readonly onEvent: (event: LiveEvent) => void = () => {},
  ) {}

  /** Until the session's end or the signal; comes back after every cut, from where it was. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!this.replay.end && !signal.aborted) {
      this.#cut = new AbortController();
      try {
        await this.#connection(AbortSignal.any([signal, this.#cut.signal]));
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      }
    }
  }

  /** Cuts the connection, as a network would. */
  cut(): void {
    this.#cut.abort();
  }

  async #connection(signal: AbortSignal): Promise<void> {
    const { url, token } = this.agent;
    const from = this.#epoch ? `?epoch=${this.#epoch}&after=${this.seq}` : "";
    const reply = await fetch(`${url}/api/v1/live/sessions/${this.session}/events${from}`, {
      headers: { Authorization: `Bearer ${token}` },
      signal,
    });
    if (!reply.ok || !reply.body) throw new Error(`${reply.status}: ${await reply.text()}`);
    this.connections++;
    for await (const data of eventData(reply.body)) {
      const event = LiveEvent.parse(JSON.parse(data));
      this.#apply(event);
      this.onEvent(event);
      if (this.replay.end) return;
    }
  }

  #apply(event: LiveEvent): void {
    if (event.type === "open" || event.type === "snapshot") {
      const { name, attrs, variables } = event;
      this.replay = new LiveReplay();
      this.replay.apply([{ type: "open", name, attrs, variables }]);
      if (event.type === "snapshot") this.replay.apply(event.patches.map((block) => this.#change(block)));
      this.#epoch = event.epoch;
      this.epochs.add(event.epoch);
      this.seq = event.seq;
      return;
    }
    const first = "seq_from" in event ? event.seq_from ?? event.seq : event.seq;
    const expected = event.type === "heartbeat" ? this.seq : this.seq + 1;
    if (event.epoch !== this.#epoch || first !== expected) {
      throw new Error(
        `event ${event.type} ${first} of ${event.epoch}, expected ${expected} of ${this.#epoch}`,
      );
    }
    this.seq = event.seq;
    if (event.type === "patch") this.replay.apply([this.#change(event)]);
    if (event.type === "extent") this.replay.apply([{ type: "extent", var: event.var, shape: event.shape }]);
    if (event.type === "end") {
      const { reason, evidence, complete } = event;
      this.replay.end = { reason, evidence, complete: complete === "unknown" ? null : complete };
    }
  }

  #change({ var: name, offset, shape, encoding, data }: Block): LiveChange {
    return { type: "patch", var: name, offset, shape, values: valuesOf(encoding, data) };
  }
}

function valuesOf(encoding: Block["encoding"], data: Block["data"]): LiveValues {
  if (typeof data !== "string") return data;
  const bytes = Uint8Array.fromBase64(data);
  return encoding === "i64le" ? new BigInt64Array(bytes.buffer) : new Float64Array(bytes.buffer);
}
