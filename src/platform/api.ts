/** One JSON request to the platform: log-in headers, repetition of reads, clock, checked reply. */
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import type { Env } from "../env.ts";
import { PlatformClock } from "./clock.ts";
import { invalidReply, ReplyError, replyError } from "./errors.ts";
import type { Transport, TransportRequest } from "./transport.ts";

/** Who asks. Shared by all requests of a client, so `refresh` can serve many of them with one renewal. */
export interface Credentials {
  /** `Authorization` and, for single sign-on, `X-ID-Token`; empty when the server asks for no log-in. */
  headers(): Record<string, string> | Promise<Record<string, string>>;
  /** Renews a rejected log-in. @returns false when it cannot be renewed */
  refresh?(): Promise<boolean>;
}

export interface ApiOptions {
  transport: Transport;
  env: Pick<Env, "now" | "sleep">;
  credentials?: Credentials;
  /** For each API call, ms. */
  timeoutMs?: number;
}

export interface ApiRequest<T> {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  /** Values that are null or undefined are left out. */
  query?: Record<string, string | number | null | undefined>;
  json?: unknown;
  /** JSON that is text already, in place of `json`. */
  jsonText?: string;
  /** What is attempted, for error messages. */
  what: string;
  reply: z.ZodType<T>;
  signal?: AbortSignal;
  /** Time that the platform may need beyond that of any call, ms. */
  extraMs?: number;
}

/** Pauses before a read is repeated (U9). */
const READ_PAUSES_MS = [300, 1000];
const API_TIMEOUT_MS = 10_000;

const errorReply = z.object({ error: z.string() });

/** Reply of calls that only say "done"; anything is accepted, an empty body too, but no error under a good status. */
export const nothing: z.ZodType<void> = anything().transform(() => undefined);

/** A reply of any form that names no error. */
export function anything(): z.ZodType<unknown> {
  return z.unknown().refine(
    (v) => !errorReply.safeParse(v).success,
    "it names an error",
  );
}

interface RawReply {
  status: number;
  headers: Headers;
  body: string;
}

export class Api {
  readonly transport: Transport;
  readonly env: Pick<Env, "now" | "sleep">;
  readonly clock: PlatformClock;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;

  constructor(options: ApiOptions) {
    this.transport = options.transport;
    this.env = options.env;
    this.clock = new PlatformClock(() => options.env.now());
    this.#credentials = options.credentials ?? { headers: () => ({}) };
    this.#timeoutMs = options.timeoutMs ?? API_TIMEOUT_MS;
  }

  /**
   * Sends a request and checks the reply. Reads are repeated twice when the network or the platform fails; writes are
   * sent once (after a rejected log-in: once more).
   * @throws SyncError of class network, auth, permission or platform
   */
  async call<T>(request: ApiRequest<T>): Promise<T> {
    const reply = await this.#callRaw(request);
    let json: unknown = null;
    if (reply.body.trim() !== "") {
      try {
        json = JSON.parse(reply.body);
      } catch {
        throw invalidReply(reply, request.what, "not JSON", this.clock.platformNow());
      }
    }
    const parsed = request.reply.safeParse(json);
    if (!parsed.success) {
      throw invalidReply(reply, request.what, z.prettifyError(parsed.error), this.clock.platformNow());
    }
    return parsed.data;
  }

  /** Like {@link call}, and a reply with one of these statuses (and no web page in place of it) is null. */
  async callOrNull<T>(request: ApiRequest<T>, absentStatuses: readonly number[] = [404]): Promise<T | null> {
    try {
      return await this.call(request);
    } catch (e) {
      if (e instanceof ReplyError && e.class !== "network" && absentStatuses.includes(e.status)) return null;
      throw e;
    }
  }

  async #callRaw(request: ApiRequest<unknown>): Promise<RawReply> {
    const pauses = request.method === "GET" ? [...READ_PAUSES_MS] : [];
    while (true) {
      try {
        return await this.#authorized(request);
      } catch (e) {
        const pause = pauses.shift();
        if (pause === undefined || !isWorthRepeating(e, pause)) throw e;
        await this.env.sleep(pause, request.signal);
      }
    }
  }

  async #authorized(request: ApiRequest<unknown>): Promise<RawReply> {
    try {
      return await this.#exchange(request);
    } catch (e) {
      const renewed = e instanceof ReplyError && e.status === 401 && await this.#credentials.refresh?.();
      if (!renewed) throw e;
      return await this.#exchange(request);
    }
  }

  async #exchange(request: ApiRequest<unknown>): Promise<RawReply> {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(request.query ?? {})) {
      if (value !== null && value !== undefined) query.set(key, String(value));
    }
    const send: TransportRequest = {
      method: request.method,
      url: query.size ? `${request.path}?${query}` : request.path,
      headers: { accept: "application/json", ...await this.#credentials.headers() },
      timeoutMs: this.#timeoutMs + (request.extraMs ?? 0),
      what: request.what,
      signal: request.signal,
    };
    const body = request.jsonText ?? (request.json === undefined ? undefined : JSON.stringify(request.json));
    if (body !== undefined) {
      send.headers["content-type"] = "application/json";
      send.body = body;
    }
    const askedAt = this.env.now();
    const response = await this.transport.send(send);
    this.clock.learn(response.headers.get("date"), askedAt);
    const reply = { status: response.status, headers: response.headers, body: await response.text() };
    if (response.status >= 200 && response.status < 300) return reply;
    throw replyError(reply, request.what, this.clock.platformNow());
  }
}

/** A failed read is repeated when that may help and the platform did not ask for a longer rest. */
function isWorthRepeating(e: unknown, pauseMs: number): boolean {
  if (e instanceof ReplyError) {
    return (e.class === "network" || e.status >= 500) && (e.retryAfterMs ?? 0) <= pauseMs;
  }
  return e instanceof SyncError && e.class === "network";
}
