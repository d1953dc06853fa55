/** Running measurements (`/api/v1/live`), which only hubs of our own take. */
import { z } from "zod";
import type { Api } from "./api.ts";

export interface LiveCalls {
  /**
   * Passes events of a session on.
   * @param batch JSON of facts and events
   * @returns what the platform knows of the session now (epoch null = nothing); null when it takes no live measurements
   */
  relayLive(
    session: string,
    batch: string,
    signal: AbortSignal,
  ): Promise<{ epoch: string | null; seq: number } | null>;
}

export function liveCalls(api: Api): LiveCalls {
  return {
    relayLive: (session, batch, signal) =>
      api.callOrNull({
        method: "POST",
        path: `/api/v1/live/sessions/${encodeURIComponent(session)}`,
        jsonText: batch,
        what: "passing on a running measurement",
        reply: z.object({ epoch: z.string().nullable(), seq: z.number() }),
        signal,
      }, [404, 405, 501]),
  };
}
