/**
 * Plain HTTP to the agent. `fetch` is not used: it sends requests to this very machine through the proxy that the
 * environment names, which cannot reach the agent.
 */
import { type IncomingMessage, request } from "node:http";

export interface Reply {
  status: number;
  body: AsyncIterable<Uint8Array>;
}

/**
 * Sends a request without a body; resolves when the answer begins.
 * @param signal ends the request and, later, the reading of the answer
 */
export function get(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, signal }, (answer: IncomingMessage) => {
      resolve({ status: answer.statusCode ?? 0, body: answer });
    });
    sent.on("error", reject);
    sent.end();
  });
}

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
