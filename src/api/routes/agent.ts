/** `/sync/agent…`: the agent as a whole, its errors, and what it does right now. */
import { Hono } from "hono";
import { z } from "zod";
import { ErrorService } from "../../engine/error_service.ts";
import { ApiError } from "../api_error.ts";
import { Flag, Id, limit, Offset, readBody, readPath, readQuery } from "../input.ts";
import { activity, agentStatus, errorRecord } from "../wire.ts";
import type { ApiParts } from "./parts.ts";

const OneError = z.object({ error_id: Id });
const Errors = z.object({
  viewed: Flag.optional(),
  skip: Offset,
  limit: limit(10),
  /** Ours: those of all sources too. */
  include_sources: Flag.default(false),
});
export const Viewed = z.object({ viewed: z.boolean() });

export function agentRoutes({ agent, serving, feed }: ApiParts): Hono {
  const errors = new ErrorService(agent.catalog);
  const app = new Hono();

  app.get("/status", (c) => c.json(agentStatus(serving.status())));

  app.post("/start", (c) => c.json(agentStatus(serving.start())));

  app.post("/stop", (c) => c.json(agentStatus(serving.stop())));

  app.get("/errors", (c) => {
    const { viewed, skip, limit, include_sources } = readQuery(c, Errors);
    const filter = { skip, limit, sources: include_sources, ...(viewed === undefined ? {} : { viewed }) };
    return c.json(errors.list(filter).map(errorRecord));
  });

  app.post("/errors/mark-all-viewed", (c) => c.json(errors.markAllViewed()));

  app.patch("/errors/:error_id", async (c) => {
    const { error_id } = readPath(c, OneError);
    const { viewed } = await readBody(c, Viewed);
    return c.json(errorRecord(errors.setViewed(error_id, viewed)));
  });

  app.get("/activity", (c) => c.json(activity(serving.activity())));

  app.get("/activity/stream", (c) => {
    const headers = { "Content-Type": "text/event-stream" };
    // A stream that nobody reads would never end.
    if (c.req.raw.method === "HEAD") return c.body(null, 200, headers);
    const stream = feed.open();
    if (!stream) throw new ApiError(503, "too_many_listeners", "too many streams are open");
    return c.body(stream, 200, headers);
  });

  return app;
}
