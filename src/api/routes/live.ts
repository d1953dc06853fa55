/** `/live/sessions…`: running measurements and their events. */
import { Hono } from "hono";
import { z } from "zod";
import { eventReply } from "../../live/event_reply.ts";
import { readPath } from "../input.ts";
import type { ApiParts } from "./parts.ts";

const OneSession = z.object({ id: z.string() });

export function liveRoutes({ serving, closing }: ApiParts): Hono {
  const { live } = serving;
  const app = new Hono();

  app.get("/sessions", (c) => c.json(live.list()));

  app.get("/sessions/:id", (c) => c.json(live.view(readPath(c, OneSession).id)));

  app.get("/sessions/:id/events", (c) => eventReply(live, readPath(c, OneSession).id, c.req.raw, closing));

  return app;
}
