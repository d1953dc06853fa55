/** What a hub says about itself, and empty lists of what it does not have. */
import { Hono } from "hono";
import { z } from "zod";
import { HubError } from "../hub_error.ts";
import { Uuid } from "../schemas.ts";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readQuery } from "./input.ts";
import { originOf } from "./replies.ts";
import { theBucket } from "./scopes.ts";

/** Version of the HTTP contract that the hub implements. */
export const API_VERSION = "0.1.0";

const OneSchema = z.object({ schema_uuid: Uuid });

/** Answered without a login. */
export function publicInformationRoutes(): Hono<HubEnv> {
  const app = new Hono<HubEnv>();
  // Our clients look here for what goes beyond the contract; others only want to see any JSON.
  app.get(
    "/api/v3/",
    (c) =>
      c.json({
        name: "etiket-sync hub",
        api_version: API_VERSION,
        capabilities: { dataset_move: true, multipart: true },
      }),
  );
  app.get("/api/v2/version/API/", (c) => c.json(API_VERSION));
  app.get("/api/v2/version/", (c) => c.json([]));
  return app;
}

export function informationRoutes(parts: HubParts): Hono<HubEnv> {
  const app = new Hono<HubEnv>();
  app.get("/api/v2/schemas/", (c) => c.json([]));
  app.get("/api/v2/schema/", (c) => {
    throw new HubError(400, `schema ${readQuery(c, OneSchema).schema_uuid} does not exist`);
  });
  app.get("/api/v2/S3/bucket/read/", async (c) => c.json([await theBucket(parts, originOf(c.req.raw))]));
  return app;
}
