/** `/sync/items…`: single measurements. */
import { Hono } from "hono";
import { z } from "zod";
import type { ItemFilter, ItemOrder } from "../../engine/item/item_service.ts";
import type { ItemStatus } from "../../engine/views.ts";
import { Flag, Id, limit, Offset, readPath, readQuery } from "../input.ts";
import { item } from "../wire.ts";
import type { ApiParts } from "./parts.ts";

const STATUSES = ["pending", "synchronized", "error", "no_mapping"] as const satisfies readonly ItemStatus[];
const ORDERS = {
  id: "id",
  last_update: "last_update",
  attempts: "attempts",
  syncpriority: "priority",
} as const satisfies Record<string, ItemOrder["by"]>;

const One = z.object({ id: Id });
const Filter = z.object({
  source_id: Id.optional(),
  is_synchronized: Flag.optional(),
  /** Ours. */
  status: z.enum(STATUSES).optional(),
  query: z.string().optional(),
  has_priority: Flag.optional(),
  scope_identifier: z.string().optional(),
  order_by: z.string().toLowerCase().pipe(z.literal(["id", "last_update", "attempts", "syncpriority"]))
    .optional(),
  order_direction: z.string().toLowerCase().pipe(z.literal(["asc", "desc"])).default("asc"),
  offset: Offset,
  limit: limit(100),
});

export function itemRoutes({ agent: { items }, serving }: ApiParts): Hono {
  const app = new Hono();

  app.get("/", (c) => c.json(items.list(filterOf(readQuery(c, Filter))).map(item)));

  app.get("/:id", (c) => c.json(item(items.get(readPath(c, One).id))));

  app.patch("/:id/reset", (c) => {
    items.reset(readPath(c, One).id);
    serving.notice();
    return c.body(null, 204);
  });

  app.patch("/:id/prioritize", (c) => {
    items.prioritize(readPath(c, One).id);
    serving.notice();
    return c.body(null, 204);
  });

  return app;
}

function filterOf(q: z.infer<typeof Filter>): ItemFilter {
  const statuses = STATUSES.filter((s) =>
    (q.status === undefined || s === q.status) &&
    (q.is_synchronized === undefined || (s === "synchronized") === q.is_synchronized)
  );
  return {
    status: statuses,
    offset: q.offset,
    limit: q.limit,
    ...(q.source_id === undefined ? {} : { source: q.source_id }),
    ...(q.query === undefined ? {} : { query: q.query }),
    ...(q.has_priority === undefined ? {} : { hasPriority: q.has_priority }),
    ...(q.scope_identifier === undefined ? {} : { scopeIdentifier: q.scope_identifier }),
    ...(q.order_by === undefined
      ? {}
      : { order: { by: ORDERS[q.order_by], descending: q.order_direction === "desc" } }),
  };
}
