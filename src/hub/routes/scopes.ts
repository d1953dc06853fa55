/** `/api/v3/scopes…`, and the bucket that a scope's objects are in. */
import { Hono } from "hono";
import { z } from "zod";
import { ScopeCreate, ScopeUpdate, Uuid } from "../schemas.ts";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readBody, readPath, readQuery } from "./input.ts";
import { originOf, requireAdmin } from "./replies.ts";

const OneScope = z.object({ uid: Uuid });
const Filter = z.object({ name: z.string().optional() });

export function scopeRoutes({ catalogue }: HubParts): Hono<HubEnv> {
  const { scopes } = catalogue;
  const app = new Hono<HubEnv>();

  app.get("/scopes", async (c) => c.json(await scopes.list(readQuery(c, Filter).name)));

  app.post("/scopes", async (c) => {
    const scope = await readBody(c, ScopeCreate);
    requireAdmin(c.var.user);
    await scopes.create(scope);
    return c.json(null, 201);
  });

  app.get("/scopes/:uid", async (c) => c.json(await scopes.read(readPath(c, OneScope).uid)));

  app.patch("/scopes/:uid", async (c) => {
    const { uid } = readPath(c, OneScope);
    const changes = await readBody(c, ScopeUpdate);
    requireAdmin(c.var.user);
    await scopes.update(uid, changes);
    return c.json(null);
  });

  app.delete("/scopes/:uid", async (c) => {
    const { uid } = readPath(c, OneScope);
    requireAdmin(c.var.user);
    await scopes.remove(uid);
    return c.body(null, 204);
  });

  app.get("/scopes/:uid/bucket", async (c) => {
    await scopes.read(readPath(c, OneScope).uid);
    return c.json(await theBucket({ catalogue }, originOf(c.req.raw)));
  });

  return app;
}

/** The one bucket of a hub, in the contract's words: "AWS" is the type whose links and ETags ours are like. */
export async function theBucket({ catalogue }: Pick<HubParts, "catalogue">, origin: string) {
  return {
    name: "objects",
    bucket_uuid: await catalogue.setting("bucket_uuid"),
    resource: {
      name: "hub",
      type: "AWS",
      resource_uuid: await catalogue.setting("resource_uuid"),
      endpoint: `${origin}/bucket`,
      region: null,
    },
  };
}
