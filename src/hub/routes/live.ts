/** `/api/v1/live/sessions…`: running measurements of all agents, as they pass them on; an addition of ours. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { SyncError } from "../../kit/errors.ts";
import { eventReply } from "../../live/event_reply.ts";
import { RelayBatch } from "../../live/relay_batch.ts";
import { HubError } from "../hub_error.ts";
import { Uuid } from "../schemas.ts";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readBody, readPath } from "./input.ts";

const OneSession = z.object({ id: z.string().min(1).max(100) });

/** Words of the stream and the statuses that go with them. */
const STATUS: Readonly<Record<string, number>> = {
  live_session_not_found: 404,
  live_session_over: 410,
  live_position_invalid: 422,
  live_change_invalid: 422,
  live_readers_too_many: 503,
  live_sessions_too_many: 503,
};

export function liveRoutes({ catalogue, live, closing }: HubParts): Hono<HubEnv> {
  const { datasets, scopes } = catalogue;
  const app = new Hono<HubEnv>();

  /** Who may read a dataset may see it being measured. @throws HubError */
  async function requireDataset(uuid: string | null): Promise<void> {
    const { data } = Uuid.safeParse(uuid);
    if (data === undefined) throw new HubError(409, "the session names no dataset", "dataset_unknown");
    const { scope } = await datasets.readByUuid(data);
    await scopes.requireAccess([scope.uuid]);
  }

  async function isReadable(uuid: string | null): Promise<boolean> {
    try {
      await requireDataset(uuid);
      return true;
    } catch (e) {
      if (e instanceof HubError && e.status < 500) return false;
      throw e;
    }
  }

  /** A session that the user may not see is not there for them. @throws HubError 404, 410 */
  async function readable(c: Context<HubEnv>) {
    const { id } = readPath(c, OneSession);
    const view = said(() => live.view(id));
    if (!await isReadable(view.dataset_uuid)) {
      throw new HubError(404, `there is no live session ${id}`, "live_session_not_found");
    }
    return view;
  }

  app.get("/sessions", async (c) => {
    const found = await Promise.all(
      live.list().map(async (view) => await isReadable(view.dataset_uuid) ? [view] : []),
    );
    return c.json(found.flat());
  });

  app.get("/sessions/:id", async (c) => c.json(await readable(c)));

  app.get("/sessions/:id/events", async (c) => {
    refuseOtherPages(c.req.raw);
    const { id } = await readable(c);
    return said(() => eventReply(live, id, c.req.raw, closing));
  });

  app.post("/sessions/:id", async (c) => {
    const { id } = readPath(c, OneSession);
    const { facts, events } = await readBody(c, RelayBatch);
    const known = live.get(id);
    // Whoever writes needs the right to its dataset, and to the one that it was before.
    for (const uuid of new Set([facts.dataset_uuid, known?.dataset_uuid ?? facts.dataset_uuid])) {
      if (!await isReadable(uuid)) {
        throw new HubError(409, `dataset ${uuid} is not one that you may write`, "dataset_unknown");
      }
    }
    const own = { ...facts, id, live_file: null };
    return c.json(said(() => live.adopt(own).receive(own, events)));
  });

  return app;
}

/** A page can open a socket to any address, and a socket asks for no permission. @throws HubError 403 */
function refuseOtherPages({ headers, url }: Request): void {
  const origin = headers.get("origin");
  if (origin === null || origin === new URL(url).origin) return;
  throw new HubError(403, `pages of ${origin} may not read live measurements`, "request_refused");
}

/** @throws HubError what the stream refuses */
function said<T>(work: () => T): T {
  try {
    return work();
  } catch (e) {
    const status = e instanceof SyncError ? STATUS[e.code] : undefined;
    if (e instanceof SyncError && status !== undefined) throw new HubError(status, e.message, e.code);
    throw e;
  }
}
