/** A typed client of the local API. */
import { z } from "zod";
import { eventData } from "./event_stream.ts";
import { get } from "./http.ts";
import { Patience } from "./patience.ts";
import { accepted, asFailure, type Reply, textOf } from "./reply.ts";
import { Activity, AgentStatus, ErrorRecord, Item } from "./schemas.ts";

export interface ClientOptions {
  /** Base address, such as `http://localhost:10410`. */
  url: string;
  /** Needed from other machines. */
  token?: string;
  /** Longest wait for an answer, ms. */
  timeoutMs?: number;
  /** Longest silence of a stream, ms; the agent says something at least every 15 s. */
  silenceMs?: number;
}

/**
 * All methods throw a SyncError: what the agent answered, or `agent_unreachable` (class network) when nothing answers
 * or the connection breaks.
 */
export class SyncClient {
  constructor(private readonly options: ClientOptions) {}

  get url(): string {
    return this.options.url;
  }

  async status(): Promise<AgentStatus> {
    return await this.#json("/sync/agent/status", AgentStatus);
  }

  async activity(): Promise<Activity> {
    return await this.#json("/sync/agent/activity", Activity);
  }

  /** What the agent does, now and whenever it changes, at most four times a second; ends when the agent or the signal says so. */
  async *activities(signal?: AbortSignal): AsyncGenerator<Activity> {
    const { silenceMs = 45_000 } = this.options;
    const patience = new Patience(silenceMs);
    try {
      const stop = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
      const { body } = await this.#get("/sync/agent/activity/stream", stop);
      for await (const data of eventData(body, () => patience.renew())) {
        yield Activity.parse(JSON.parse(data));
      }
    } catch (e) {
      if (signal?.aborted) return;
      throw asFailure(this.options.url, e);
    } finally {
      patience.end();
    }
  }

  /** Errors of the agent and its sources, newest first. */
  async errors(options: { viewed?: boolean; limit?: number } = {}): Promise<ErrorRecord[]> {
    const query = new URLSearchParams({ include_sources: "true", limit: String(options.limit ?? 10) });
    if (options.viewed !== undefined) query.set("viewed", String(options.viewed));
    return await this.#json(`/sync/agent/errors?${query}`, z.array(ErrorRecord));
  }

  /** Items that failed, the latest first. */
  async failedItems(limit = 10): Promise<Item[]> {
    const query = new URLSearchParams({
      status: "error",
      order_by: "last_update",
      order_direction: "desc",
      limit: String(limit),
    });
    return await this.#json(`/sync/items?${query}`, z.array(Item));
  }

  async #json<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const patience = new Patience(this.options.timeoutMs ?? 10_000);
    try {
      const { body } = await this.#get(path, patience.signal);
      return schema.parse(JSON.parse(await textOf(body)));
    } catch (e) {
      throw asFailure(this.options.url, e);
    } finally {
      patience.end();
    }
  }

  async #get(path: string, signal: AbortSignal): Promise<Reply> {
    const { url, token } = this.options;
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    return await accepted(await get(`${url}/api/v1${path}`, headers, signal));
  }
}
