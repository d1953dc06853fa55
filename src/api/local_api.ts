/** The local API as one HTTP application: the gate, the routes, and what failures look like. */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Serving } from "../engine/serving.ts";
import { ActivityFeed } from "./activity_feed.ts";
import { ApiError, errorReply } from "./api_error.ts";
import { checkRequest, type GatePolicy, REPLY_HEADERS } from "./gate.ts";
import type { LocalAgent } from "./local_agent.ts";
import { activity } from "./wire.ts";
import { agentRoutes } from "./routes/agent.ts";
import { itemRoutes } from "./routes/items.ts";
import { liveRoutes } from "./routes/live.ts";
import { scopeMappingRoutes } from "./routes/scope_mappings.ts";
import { sourceRoutes } from "./routes/sources.ts";

export interface LocalApi {
  fetch(request: Request): Response | Promise<Response>;
  /** Methods and paths, for tests that go through all of them. */
  routes(): [method: string, path: string][];
  /** Ends the streams that are open. */
  close(): void;
}

export interface LocalApiOptions {
  /** Asked at each request: the port is known only once it is listened on. */
  policy: () => GatePolicy;
  log?: (line: string) => void;
}

/** The routes of the published interface that exist so far, and the agent's activity, under `/api/v1`. */
export function localApi(agent: LocalAgent, serving: Serving, options: LocalApiOptions): LocalApi {
  const feed = new ActivityFeed(() => activity(serving.activity()));
  const closing = new AbortController();
  const parts = { agent, serving, feed, closing: closing.signal };
  // A trailing slash makes no other place of a path: frameworks of clients differ in it.
  const app = new Hono({ strict: false });

  app.onError((thrown, c) => {
    const { status, headers, body } = errorReply(thrown);
    if (status >= 500) options.log?.(`${c.req.method} ${c.req.path}: ${body.error}: ${body.detail}`);
    return c.json(body, status as ContentfulStatusCode, { ...REPLY_HEADERS, ...headers });
  });
  app.notFound((c) => {
    throw new ApiError(404, "not_found", `there is nothing at ${c.req.path}`);
  });
  app.use(async (c, next) => {
    checkRequest(c.req.raw, options.policy());
    await next();
    // The answer to a WebSocket's handshake can not be touched.
    if (c.res.status === 101) return;
    for (const [name, value] of Object.entries(REPLY_HEADERS)) c.res.headers.set(name, value);
  });
  app.route("/api/v1/sync/agent", agentRoutes(parts));
  app.route("/api/v1/sync/sources/:id/scope-mappings", scopeMappingRoutes(parts));
  app.route("/api/v1/sync/sources", sourceRoutes(parts));
  app.route("/api/v1/sync/items", itemRoutes(parts));
  app.route("/api/v1/live", liveRoutes(parts));
  const offered = app.routes.filter((route) => route.method !== "ALL");
  refuseOtherMethods(app, offered);
  return {
    fetch: (request) => app.fetch(request),
    routes: () => offered.map(({ method, path }) => [method, path]),
    close() {
      feed.close();
      closing.abort();
    },
  };
}

/** A known path with a method that it does not have is answered 405. */
function refuseOtherMethods(app: Hono, routes: Hono["routes"]): void {
  for (const [path, methods] of Map.groupBy(routes, (route) => route.path)) {
    const allowed = [...new Set(methods.map((route) => route.method))].join(", ");
    app.all(path, (c) => {
      throw new ApiError(405, "method_not_allowed", `${c.req.path} takes ${allowed}`, { Allow: allowed });
    });
  }
}
