/** `/sync/sources/{id}/scope-mappings…`: which scope the items of an identifier go to. */
import { Hono } from "hono";
import { z } from "zod";
import { Id, readBody, readPath } from "../input.ts";
import type { ApiParts } from "./parts.ts";

const OneSource = z.object({ id: Id });
const OneMapping = OneSource.extend({ identifier: z.string() });
const Create = z.object({ scope_identifier: z.string().min(1), scope_uuid: z.uuid() });
const Change = z.object({ scope_uuid: z.uuid() });

export function scopeMappingRoutes({ agent: { mappings }, serving }: ApiParts): Hono {
  const app = new Hono();

  app.post("/", async (c) => {
    const { id } = readPath(c, OneSource);
    const { scope_identifier, scope_uuid } = await readBody(c, Create);
    const made = await mappings.add(id, scope_identifier, scope_uuid);
    serving.notice();
    return c.json(made, 201);
  });

  app.get("/unmapped", (c) => c.json(mappings.unmapped(readPath(c, OneSource).id)));

  app.post("/autoassign", async (c) => {
    const count = await mappings.autoassign(readPath(c, OneSource).id);
    serving.notice();
    return c.json(count);
  });

  app.patch("/:identifier", async (c) => {
    const { id, identifier } = readPath(c, OneMapping);
    const { scope_uuid } = await readBody(c, Change);
    const now = await mappings.change(id, identifier, scope_uuid);
    serving.notice();
    return c.json(now);
  });

  app.delete("/:identifier", (c) => {
    const { id, identifier } = readPath(c, OneMapping);
    mappings.remove(id, identifier);
    serving.notice();
    return c.body(null, 204);
  });

  return app;
}
