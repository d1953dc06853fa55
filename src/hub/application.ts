/** The hub as one HTTP application: who may come in, the routes, and what failures look like. */
import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Env } from "../env.ts";
import { HubError } from "./hub_error.ts";
import { bugReportRoutes } from "./routes/bug_reports.ts";
import { datasetRoutes } from "./routes/datasets.ts";
import { fileRoutes } from "./routes/files.ts";
import type { Authenticate, HubEnv, HubParts } from "./routes/hub_parts.ts";
import { liveRoutes } from "./routes/live.ts";
import { informationRoutes, publicInformationRoutes } from "./routes/information.ts";
import { notOfferedRoutes } from "./routes/not_offered.ts";
import { scopeRoutes } from "./routes/scopes.ts";
import { userRoutes } from "./routes/users.ts";

/** @param bucket routes of an object store that the hub serves itself */
export function hubApplication(
  parts: HubParts,
  bucket: Hono,
  authenticate: Authenticate,
  env: Env,
): Hono<HubEnv> {
  const app = new Hono<HubEnv>();
  app.onError((error, c) => errorReply(c, asHubError(error), env));
  app.notFound((c) =>
    errorReply(c, new HubError(404, `there is nothing at ${c.req.path}`, "not_found"), env)
  );

  // No answer speaks of something that a power cut could undo.
  app.use(async (_c, next) => {
    const mark = parts.catalogue.mark();
    await next();
    await parts.catalogue.durable(mark);
  });
  app.route("/", bucket);
  app.route("/", publicInformationRoutes());
  app.use("/api/*", async (c, next) => {
    const user = await authenticate(c.req.raw);
    if (!user) throw new HubError(401, "the login is not valid");
    c.set("user", user);
    await next();
  });
  app.route("/api/v2", datasetRoutes(parts));
  app.route("/api/v2", fileRoutes(parts));
  app.route("/api/v3", scopeRoutes(parts));
  app.route("/api/v3", userRoutes(parts));
  app.route("/api/v3", bugReportRoutes(parts));
  app.route("/api/v1/live", liveRoutes(parts));
  app.route("/", informationRoutes(parts));
  app.route("/", notOfferedRoutes());
  refuseOtherMethods(app);
  return app;
}

/** A known path with a method that it does not have is answered 405. */
function refuseOtherMethods(app: Hono<HubEnv>): void {
  const routes = app.routes.filter((route) => route.method !== "ALL");
  for (const [path, methods] of Map.groupBy(routes, (route) => route.path)) {
    const allowed = [...new Set(methods.map((route) => route.method))].join(", ");
    app.all(path, (c) => {
      c.header("Allow", allowed);
      throw new HubError(405, `${c.req.path} does not take ${c.req.method}, only ${allowed}`);
    });
  }
}

/** v2 answers `detail` only: with an `error` field its clients would not see a 404 as "not found". */
function errorReply(c: Context, error: HubError, env: Env): Response {
  const status = error.status as ContentfulStatusCode;
  if (status === 503) c.header("Retry-After", "1");
  if (!/^\/api\/v[13](\/|$)/.test(c.req.path)) return c.json({ detail: error.detail }, status);
  return c.json({ error: error.code, detail: error.message, trace_id: env.uuid() }, status);
}

function asHubError(error: Error): HubError {
  if (error instanceof HubError) return error;
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || /database or disk is full/.test(error.message)) {
    return new HubError(507, "the disk of the hub is full: free some space, then try again");
  }
  // node:sqlite gives no error code for this one.
  if (/database is locked/.test(error.message)) return new HubError(503, "the hub is busy: try again");
  return new HubError(500, `internal error of the hub: ${error.message}`);
}
