/** From what the network or the platform answered to an error with a class (behaviour 2.3). */
import { z } from "zod";
import { type ErrorClass, SyncError } from "../kit/errors.ts";

/** A reply of the platform that is not what was asked for. */
export class ReplyError extends SyncError {
  /** HTTP status. */
  readonly status: number;
  /** How long the platform asked to be left alone, ms; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    cls: ErrorClass,
    code: string,
    message: string,
    options: { hint: string; status: number; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(cls, code, message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

const NETWORK_CAUSES: { code: string; pattern: RegExp; hint: string }[] = [
  {
    code: "dns_failed",
    pattern: /ENOTFOUND|EAI_AGAIN|dns error|failed to lookup|name or service not known/i,
    hint: "The server's name could not be looked up: check the network connection and the server address.",
  },
  {
    code: "connection_refused",
    pattern: /ECONNREFUSED|connection refused|os error 111|os error 10061/i,
    hint: "Nothing listens at the server's address: check the address, or wait until the server is back.",
  },
  {
    code: "tls_failed",
    pattern: /certificate|UnknownIssuer|\bTLS\b|\bSSL\b|ERR_SSL|handshake|corrupt message/i,
    hint:
      "The secure connection was not accepted: check the PC's clock, the proxy and the server's certificate.",
  },
  {
    code: "connection_timeout",
    pattern: /ETIMEDOUT|timed? ?out|TimeoutError/i,
    hint: "The server did not answer in time: check the network connection.",
  },
  {
    code: "host_unreachable",
    pattern: /ENETUNREACH|EHOSTUNREACH|ENETDOWN|unreachable|network is down/i,
    hint: "The server cannot be reached from this network: check cable, Wi-Fi or VPN.",
  },
  {
    code: "connection_reset",
    pattern:
      /ECONNRESET|EPIPE|ECONNABORTED|reset|broken pipe|closed|hang up|aborted|UnexpectedEof|incomplete/i,
    hint: "The connection broke while it was used: the agent tries again by itself.",
  },
];

function causeText(thrown: unknown): string {
  const parts: string[] = [];
  for (let e: unknown = thrown; e instanceof Error && parts.length < 8; e = e.cause) {
    const code = "code" in e ? String(e.code) : "";
    parts.push(`${code} ${e.name} ${e.message}`);
  }
  return parts.length ? parts.join(": ") : String(thrown);
}

/** Links to the object store carry their right in the query: it must not reach logs or screens. */
function withoutQueries(text: string): string {
  return text.replace(/(\bhttps?:\/\/[^\s?)"']+)\?[^\s)"']*/g, "$1?…");
}

/**
 * The class-network error for a request that got no reply.
 * @param what what was attempted, for the message ("reading dataset …")
 */
export function networkError(thrown: unknown, what: string): SyncError {
  if (thrown instanceof SyncError) return thrown;
  const text = withoutQueries(causeText(thrown));
  const known = NETWORK_CAUSES.find((c) => c.pattern.test(text));
  return new SyncError("network", known?.code ?? "network_error", `${what}: ${text}`, {
    hint: known?.hint ?? "Check the network connection; the agent tries again by itself.",
    cause: new Error(text),
  });
}

/** The class-network error for a request that took longer than `ms`. */
export function timeoutError(what: string, ms: number): SyncError {
  return new SyncError("network", "connection_timeout", `${what}: no progress for ${ms / 1000} s`, {
    hint: "The server did not answer in time: check the network connection.",
  });
}

/**
 * Reads `Retry-After`: seconds, or a date.
 * @param platformNow ms since 1970 by the server's clock, which the date is meant in
 * @returns ms to wait, or null when the header is missing or senseless
 */
export function retryAfterOf(headers: Headers, platformNow: number): number | null {
  const text = headers.get("retry-after")?.trim();
  if (!text) return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - platformNow);
}

/** True when a reply is a web page: what proxies, firewalls and log-in portals answer in place of the platform. */
export function isWebPage(headers: Headers, body: string): boolean {
  return /^text\/html|^application\/xhtml/i.test(headers.get("content-type") ?? "") ||
    /^\s*<(!doctype|html|head|body)\b/i.test(body);
}

const errorBody = z.object({
  error: z.string().optional().catch(undefined),
  detail: z.unknown(),
});

/** The `error` code and the text of `detail` of an error reply, whatever form the server gave it. */
export function readErrorBody(body: string): { error: string | null; detail: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { error: null, detail: body.slice(0, 300).trim() };
  }
  const parsed = errorBody.safeParse(json);
  if (!parsed.success) return { error: null, detail: body.slice(0, 300) };
  const { error, detail } = parsed.data;
  const text = (value: unknown): string => {
    if (value === undefined || value === null) return "";
    if (typeof value === "string") return value;
    // Some servers put one string, or a list of validation messages, into a list.
    return Array.isArray(value) && value.length === 1 ? text(value[0]) : JSON.stringify(value);
  };
  return { error: error ?? null, detail: text(detail).slice(0, 1000) };
}

const BUSY_STATUSES = new Set([429, 502, 503, 504]);
const AUTH_CODES = /^(token_|api_token_(not_found|access_denied)|invalid_grant|user_is_disabled)/;

/**
 * The error for a reply that says no.
 * @param what what was asked for, for the message ("reading dataset …")
 * @param platformNow ms since 1970 by the server's clock, for `Retry-After` dates
 */
export function replyError(
  reply: { status: number; headers: Headers; body: string },
  what: string,
  platformNow: number,
): ReplyError {
  const { status, headers, body } = reply;
  const make = (cls: ErrorClass, code: string, said: string, hint: string) =>
    new ReplyError(cls, code, `${what}: ${said}`, {
      hint,
      status,
      retryAfterMs: retryAfterOf(headers, platformNow),
    });

  if (status >= 300 && status < 400) {
    return make(
      "network",
      "unexpected_redirect",
      `redirected to ${withoutQueries(headers.get("location") ?? "nowhere")} (${status})`,
      "A portal or proxy answers in place of the platform: log in to the network, or correct the server address.",
    );
  }
  if (status !== 500 && isWebPage(headers, body)) {
    return make(
      "network",
      "web_page_instead_of_platform",
      `a web page instead of the platform's answer (${status})`,
      "A portal, firewall or proxy answers in place of the platform: log in to the network, or check the server address.",
    );
  }
  const { error, detail } = readErrorBody(body);
  const said = `${detail || error || "no explanation"} (${status})`;
  if (BUSY_STATUSES.has(status)) {
    return make(
      "network",
      error ?? `http_${status}`,
      said,
      "The platform is busy or being maintained: the agent tries again by itself.",
    );
  }
  if (status === 507) {
    return make(
      "local",
      "platform_disk_full",
      said,
      "Free space on the disk of the hub: the agent goes on by itself.",
    );
  }
  if (status === 407) {
    return make(
      "network",
      "proxy_login_required",
      said,
      "The network's proxy asks for a log-in: configure it.",
    );
  }
  if (status === 401 || (error !== null && AUTH_CODES.test(error))) {
    return make("auth", error ?? "token_invalid", said, "Log in again with `etiket-sync login`.");
  }
  if (status === 403) {
    return make(
      "permission",
      error ?? "access_denied",
      said,
      "Ask an administrator of the scope for access, or choose another scope for the source.",
    );
  }
  return make(
    "platform",
    error ?? `http_${status}`,
    said,
    status >= 500
      ? "The platform failed: the agent tries again by itself; tell its administrator if it goes on."
      : "The platform refused the request: `etiket-sync why` shows what was sent; report it if the values look right.",
  );
}

/** The error for a reply whose status is fine and whose body is not what the contract says. */
export function invalidReply(
  reply: { status: number; headers: Headers; body: string },
  what: string,
  problem: string,
  platformNow: number,
): ReplyError {
  if (isWebPage(reply.headers, reply.body)) return replyError(reply, what, platformNow);
  return new ReplyError("platform", "invalid_reply", `${what}: the reply is not as agreed: ${problem}`, {
    hint: "Client and platform do not speak the same version: update etiket-sync, or tell the administrator.",
    status: reply.status,
  });
}

/**
 * True when a write that failed may have been done all the same (reply lost, server error), or failed because what it
 * would make is there already: only a look can tell. No status code is relied on for "exists" (none is established).
 */
export function mayHaveTakenEffect(e: unknown): boolean {
  if (!(e instanceof SyncError)) return false;
  if (e.class === "network") return true;
  return e instanceof ReplyError && e.class === "platform";
}
