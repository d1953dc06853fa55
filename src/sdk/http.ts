/**
 * Plain HTTP to the agent. `fetch` is not used: it sends requests to this very machine through the proxy that the
 * environment names, which cannot reach the agent.
 */
import { type IncomingMessage, request } from "node:http";
import type { Get } from "./reply.ts";

/** Without a proxy. */
export const get: Get = (url, headers, signal) =>
  new Promise((resolve, reject) => {
    const sent = request(url, { headers, signal }, (answer: IncomingMessage) => {
      resolve({ status: answer.statusCode ?? 0, body: answer });
    });
    sent.on("error", reject);
    sent.end();
  });
