/**
 * Who may talk to the local API (docs/THREAT_MODEL.md, G7). The danger on a PC is the browser: a page from anywhere
 * can send requests to this port. Each check below stands alone, so that a browser that lacks one is held by another.
 */
import { ApiError } from "./api_error.ts";
import type { TokenCheck } from "./token.ts";

export interface GatePolicy {
  /** The port that is listened on; browsers and clients put it into `Host`. */
  port: number;
  /** Reachable from other machines: every request then needs the token. */
  remote: boolean;
  /** Names of this machine under which it may be reached besides the loopback ones, without port; `remote` only. */
  names: readonly string[];
  token: TokenCheck;
}

const READING = new Set(["GET", "HEAD"]);
const CHANGING = new Set(["POST", "PATCH", "DELETE"]);
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\])$/;

/** Longest body, bytes. */
export const MAX_BODY = 1 << 20;

/** Lets a request pass or throws. @throws ApiError 401, 403, 405, 413, 415 */
export function checkRequest(request: Request, policy: GatePolicy): void {
  const { headers, method } = request;
  const host = checkHost(headers.get("host"), policy);
  checkPage(headers, method, host);
  if (!READING.has(method) && !CHANGING.has(method)) {
    throw new ApiError(405, "method_not_allowed", `${method} is not offered`, { Allow: "GET, POST" });
  }
  checkToken(headers, method, policy);
  if (CHANGING.has(method)) checkBody(headers);
}

/** A page that has this address under a name of its own (DNS rebinding) sends that name. */
function checkHost(host: string | null, policy: GatePolicy): string {
  const lower = host?.toLowerCase() ?? "";
  const port = `:${policy.port}`;
  const name = lower.endsWith(port)
    ? lower.slice(0, -port.length)
    // Port 80 is left out by every client.
    : policy.port === 80 && !/:\d*$/.test(lower)
    ? lower
    : undefined;
  // Names are what rebinding abuses; a plain address cannot be rebound.
  const known = name !== undefined &&
    (LOOPBACK.includes(name) ||
      policy.remote && (policy.names.includes(name) || IP_ADDRESS.test(name)));
  if (!known) throw refused(`the API is not known under the name "${host ?? ""}"`);
  return lower;
}

/** Only the agent's own pages; what a user types into the address bar comes as `none`. */
function checkPage(headers: Headers, method: string, host: string): void {
  const own = `http://${host}`;
  const origin = headers.get("origin");
  if (origin !== null && origin.toLowerCase() !== own) {
    throw refused(`pages of ${origin} may not use the API`);
  }
  const site = headers.get("sec-fetch-site");
  const allowed = READING.has(method) ? ["same-origin", "none"] : ["same-origin"];
  if (site !== null && !allowed.includes(site)) throw refused(`${site} requests may not use the API`);
  // Browsers without the header above leave the origin away from reading requests, but tell the page.
  const referrer = headers.get("referer");
  if (referrer !== null && originOf(referrer) !== own) throw refused("another page may not use the API");
}

function checkToken(headers: Headers, method: string, policy: GatePolicy): void {
  const byPage = headers.has("origin") || [...headers.keys()].some((name) => name.startsWith("sec-fetch-"));
  const needed = policy.remote || byPage && CHANGING.has(method);
  if (needed && !policy.token.accepts(headers.get("authorization"))) {
    throw new ApiError(401, "token_required", "this needs the agent's token as Authorization: Bearer", {
      "WWW-Authenticate": "Bearer",
    });
  }
}

/** Anything but JSON is what a page could send without asking first. */
function checkBody(headers: Headers): void {
  const type = headers.get("content-type");
  const length = headers.get("content-length");
  const empty = (length === null || length === "0") && !headers.has("transfer-encoding");
  const json = type !== null && /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type);
  if (type === null ? !empty : !json) {
    throw new ApiError(415, "json_required", "the body must be JSON, sent as application/json");
  }
  if (length !== null && Number(length) > MAX_BODY) throw tooLong();
}

export function tooLong(): ApiError {
  return new ApiError(413, "body_too_long", `a body has at most ${MAX_BODY} bytes`);
}

function refused(message: string): ApiError {
  return new ApiError(403, "request_refused", message);
}

function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}

/** Nobody may show, embed or keep what the API answers; there are no CORS headers on purpose. */
export const REPLY_HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};
