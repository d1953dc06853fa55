/** `/sync/sources…`: where measurements come from. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { SyncError } from "../../kit/errors.ts";
import { Flag, Id, invalid, limit, Offset, readBody, readPath, readQuery } from "../input.ts";
import { definition, errorRecord, listedSource, source } from "../wire.ts";
import { Viewed } from "./agent.ts";
import type { ApiParts } from "./parts.ts";

const One = z.object({ id: Id });
const ByName = z.object({ name: z.string() });
const OneError = One.extend({ error_id: Id });
const Config = z.record(z.string(), z.unknown());
/** Names are cut where the catalog's own check cannot say it better. */
const Name = z.string().max(1000);

const Create = z.object({
  name: Name,
  /** One of the two: `connector` is the newer word. */
  backend: z.string().optional(),
  connector: z.string().optional(),
  config_data: Config,
  default_scope: z.uuid().nullish(),
  autoassign_scope_mapping: z.boolean().nullish(),
});
/** Null and absent leave a field as it is. */
const Update = z.object({
  name: Name.nullish(),
  config_data: Config.nullish(),
  default_scope: z.uuid().nullish(),
  autoassign_scope_mapping: z.boolean().nullish(),
});
const Reset = z.object({ include_successful: Flag.optional() });
const ResetBody = z.object({ include_successful: z.boolean().optional() });
const Errors = z.object({ viewed: Flag.optional(), skip: Offset, limit: limit(10) });

export function sourceRoutes({ agent, serving }: ApiParts): Hono {
  const { sources } = agent;
  const app = new Hono();
  const idOf = (c: Context) => readPath(c, One).id;

  app.get("/", (c) => c.json(sources.list().map(listedSource)));

  app.post("/", async (c) => {
    const body = await readBody(c, Create);
    const backend = body.backend ?? body.connector;
    if (backend === undefined) throw invalid("body.backend: the backend is missing");
    if (body.connector !== undefined && body.connector !== backend) {
      throw invalid("body.connector: backend and connector are two names of one thing");
    }
    const made = await sources.add({
      name: body.name,
      backend,
      config: body.config_data,
      ...(body.default_scope ? { scope: body.default_scope } : {}),
      autoassign: body.autoassign_scope_mapping ?? false,
    }).catch((e) => {
      throw body.backend === undefined ? inNewerWords(e) : e;
    });
    serving.notice();
    return c.json(source(made), 201);
  });

  for (const word of ["/backends", "/connectors"]) {
    app.get(word, async (c) => c.json((await agent.describe()).backends.map(definition)));
  }

  app.get("/name/:name", (c) => c.json(source(sources.get(readPath(c, ByName).name))));

  app.get("/:id", (c) => c.json(source(sources.get(idOf(c)))));

  app.patch("/:id", async (c) => {
    const id = idOf(c);
    const { name, config_data, default_scope, autoassign_scope_mapping: autoassign } = await readBody(
      c,
      Update,
    );
    const updated = await sources.update(id, {
      ...(typeof name === "string" ? { name } : {}),
      ...(config_data ? { config: config_data } : {}),
      ...(default_scope ? { scope: default_scope } : {}),
      ...(typeof autoassign === "boolean" ? { autoassign } : {}),
    });
    serving.notice();
    return c.json(source(updated));
  });

  app.delete("/:id", async (c) => {
    await sources.remove(idOf(c));
    serving.notice();
    return c.body(null, 204);
  });

  app.post("/:id/start", (c) => {
    sources.start(idOf(c));
    serving.notice();
    return c.json(source(sources.get(idOf(c))));
  });

  app.post("/:id/stop", (c) => {
    sources.stop(idOf(c));
    serving.notice();
    return c.json(source(sources.get(idOf(c))));
  });

  app.post("/:id/take-ownership", async (c) => c.json(source(await sources.takeOwnership(idOf(c)))));

  app.post("/:id/release-ownership", async (c) => c.json(source(await sources.releaseOwnership(idOf(c)))));

  app.post("/:id/reset-sync-items", async (c) => {
    const id = idOf(c);
    const { include_successful } = await readBody(c, ResetBody);
    const count = sources.reset(id, readQuery(c, Reset).include_successful ?? include_successful ?? false);
    serving.notice();
    return c.json(count);
  });

  app.get("/:id/errors", (c) => {
    const { viewed, skip, limit } = readQuery(c, Errors);
    const filter = { skip, limit, ...(viewed === undefined ? {} : { viewed }) };
    return c.json(sources.errors(idOf(c), filter).map(errorRecord));
  });

  app.post("/:id/errors/mark-all-viewed", (c) => c.json(sources.markErrorsViewed(idOf(c))));

  app.patch("/:id/errors/:error_id", async (c) => {
    const { id, error_id } = readPath(c, OneError);
    const { viewed } = await readBody(c, Viewed);
    return c.json(errorRecord(sources.setErrorViewed(id, error_id, viewed)));
  });

  return app;
}

/** Clients that say connector look for their own word in the code. */
function inNewerWords(thrown: unknown): unknown {
  if (!(thrown instanceof SyncError) || thrown.code !== "sync_source_backend_not_found") return thrown;
  return new SyncError("usage", "sync_source_connector_not_found", thrown.message, {
    cause: thrown,
    hint: thrown.hint,
  });
}
