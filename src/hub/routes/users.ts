/** `/api/v3/me`, `/api/v3/users…` and who a token belongs to. */
import { Hono } from "hono";
import { z } from "zod";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readQuery } from "./input.ts";

const Filter = z.object({ name: z.string().optional(), email: z.string().optional() });

export function userRoutes({ catalogue }: HubParts): Hono<HubEnv> {
  const app = new Hono<HubEnv>();

  app.get("/me", (c) => c.json(c.var.user));

  app.get("/token/userinfo", (c) => {
    const { sub, email, firstname, lastname } = c.var.user;
    return c.json({ sub, email, given_name: firstname, family_name: lastname });
  });

  app.get("/users", async (c) => c.json(await catalogue.users.list(readQuery(c, Filter))));

  app.get("/users/:sub", async (c) => c.json(await catalogue.users.read(c.req.param("sub"))));

  return app;
}
