import type { IncomingMessage } from "node:http";
import { completeReply } from "./transport.ts";

/** Replies to a PUT are short; anything longer is not worth keeping, bytes. */
const REPLY_LIMIT = 64 * 1024;

function headersOf(raw: string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] ?? "", raw[i + 1] ?? "");
  return headers;
}

/** Reads a reply of node:http to its end and gives it the form that `fetch` gives. */
export function readReply(reply: IncomingMessage): Promise<Response> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    reply.on("data", (part: Uint8Array) => {
      if (size < REPLY_LIMIT) parts.push(part);
      size += part.length;
    });
    reply.on("error", reject);
    reply.on("close", () => reject(new Error("connection closed within the reply")));
    reply.on("end", () => {
      const body = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
      let at = 0;
      for (const p of parts) {
        body.set(p, at);
        at += p.length;
      }
      resolve(completeReply(reply.statusCode ?? 0, headersOf(reply.rawHeaders), body));
    });
  });
}
