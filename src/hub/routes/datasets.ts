/** `/api/v2/dataset/…` and `/api/v2/datasets/…`. */
import { Hono } from "hono";
import { z } from "zod";
import { DatasetCreate, DatasetSearch, DatasetSelection, DatasetUpdate, Page, Uuid } from "../schemas.ts";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readBody, readQuery } from "./input.ts";
import { originOf, presentDataset, requireAdmin } from "./replies.ts";

const ByUuid = z.object({ dataset_uuid: Uuid, scope_uuid: Uuid.optional() });
const ByEither = z.object({ dataset_uuid_or_uid: z.string().min(1), scope_uuid: Uuid.optional() });
const ByAltUid = z.object({ dataset_alt_uid: z.string(), scope_uuid: Uuid });
const OneDataset = z.object({ dataset_uuid: Uuid });
const Move = z.object({ dataset_uuid: Uuid, scope_uuid: Uuid });

export function datasetRoutes({ catalogue, objects, uploads }: HubParts): Hono<HubEnv> {
  const { datasets, scopes } = catalogue;
  const app = new Hono<HubEnv>();

  app.post("/dataset/", async (c) => {
    await datasets.create(await readBody(c, DatasetCreate));
    return c.json(null, 201);
  });

  app.get("/dataset/", async (c) => {
    const { dataset_uuid, scope_uuid } = readQuery(c, ByUuid);
    const dataset = await datasets.readByUuid(dataset_uuid, scope_uuid);
    return c.json(await presentDataset(dataset, objects, originOf(c.req.raw)));
  });

  app.get("/dataset/by_uuid_or_alt_uid/", async (c) => {
    const { dataset_uuid_or_uid, scope_uuid } = readQuery(c, ByEither);
    const dataset = await datasets.readByEither(dataset_uuid_or_uid, scope_uuid);
    return c.json(await presentDataset(dataset, objects, originOf(c.req.raw)));
  });

  app.get("/dataset/by_alt_uid/", async (c) => {
    const { dataset_alt_uid, scope_uuid } = readQuery(c, ByAltUid);
    const dataset = await datasets.readByAltUid(dataset_alt_uid, scope_uuid);
    return c.json(await presentDataset(dataset, objects, originOf(c.req.raw)));
  });

  app.patch("/dataset/", async (c) => {
    const { dataset_uuid } = readQuery(c, OneDataset);
    await datasets.update(dataset_uuid, await readBody(c, DatasetUpdate));
    return c.json(null);
  });

  app.delete("/dataset/", async (c) => {
    const { dataset_uuid } = readQuery(c, OneDataset);
    requireAdmin(c.var.user);
    const files = await datasets.remove(dataset_uuid);
    await catalogue.durable();
    await objects.purge(files);
    uploads.sweep();
    return c.json(null);
  });

  // Our own addition (S13): a dataset keeps its uuid and its files when it changes scope.
  app.post("/dataset/move/", async (c) => {
    const { dataset_uuid, scope_uuid } = readQuery(c, Move);
    await datasets.move(dataset_uuid, scope_uuid);
    return c.json(null);
  });

  app.post("/datasets/search/", async (c) => {
    const page = readQuery(c, Page);
    const search = await readBody(c, DatasetSearch);
    await scopes.requireAccess(search.scope_uuids);
    const found = await datasets.search(search, page);
    const origin = originOf(c.req.raw);
    return c.json(await Promise.all(found.map((dataset) => presentDataset(dataset, objects, origin))));
  });

  app.post("/datasets/attributes/", async (c) => {
    const selection = await readBody(c, DatasetSelection);
    await scopes.requireAccess(selection.scope_uuids);
    return c.json(await datasets.attributes(selection));
  });

  app.post("/datasets/distinct_dates/", async (c) => {
    const search = await readBody(c, DatasetSearch);
    await scopes.requireAccess(search.scope_uuids);
    return c.json(await datasets.distinctDates(search));
  });

  return app;
}
