/** What an agent or hub answers, whichever way it was asked. */
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";

export interface Reply {
  status: number;
  body: AsyncIterable<Uint8Array>;
}

/**
 * Sends a request without a body; resolves when the answer begins.
 * @param signal ends the request and, later, the reading of the answer
 */
export type Get = (url: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Reply>;

/** By `fetch`, which browsers have, too. */
export const getByFetch: Get = async (url, headers, signal) => {
  const response = await fetch(url, { headers, signal });
  return { status: response.status, body: response.body ?? new ReadableStream() };
};

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** An agent says `error`, a hub's older routes only `detail`. */
const Failure = z.object({
  error: z.string().default("refused"),
  detail: z.unknown().transform((d) => typeof d === "string" ? d : JSON.stringify(d ?? "")),
  hint: z.string().default(""),
});

/** @throws SyncError what was answered instead of what was asked for */
export async function accepted(reply: Reply): Promise<Reply> {
  if (reply.status >= 200 && reply.status < 300) return reply;
  const { error, detail, hint } = Failure.parse(JSON.parse(await textOf(reply.body)));
  throw new SyncError(reply.status >= 500 ? "internal" : "usage", error, detail, { hint });
}

/** What goes wrong on the way to `url`, in our words. */
export function asFailure(url: string, e: unknown): SyncError {
  if (e instanceof SyncError) return e;
  if (e instanceof z.ZodError || e instanceof SyntaxError) {
    return new SyncError(
      "internal",
      "agent_differs",
      `${url} answers what this program does not understand`,
      {
        cause: e,
        hint: "Start the agent again, so that both are of one version.",
      },
    );
  }
  return new SyncError("network", "agent_unreachable", `the agent at ${url} does not answer`, {
    cause: e,
    hint: "It may be ending or starting: see `etiket-sync status`.",
  });
}
