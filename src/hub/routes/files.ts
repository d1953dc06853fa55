/** `/api/v2/file/…`. */
import { Hono } from "hono";
import { z } from "zod";
import { HubError } from "../hub_error.ts";
import { FileCreate, FileValidate, Uuid, VersionId, VersionIdText } from "../schemas.ts";
import { validateUpload } from "../validate_upload.ts";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readBody, readQuery } from "./input.ts";
import { originOf, presentFiles, requireAdmin } from "./replies.ts";

const Read = z.object({ uuid: Uuid, version_id: VersionIdText.optional() });
const ByName = z.object({ dataset_uuid: Uuid, name: z.string() });
const OneVersion = z.object({ uuid: Uuid, version_id: VersionIdText });
const Upload = z.object({ file_uuid: Uuid, version_id: VersionIdText });
const Ranking = z.object({ ranking: z.int().nullish() });
const Mark = z.object({ file_uuid: Uuid, version_id: VersionId });
const OneFile = z.object({ file_uuid: Uuid });

/** Of the body that abort shares with validate only what says which upload. */
const Abort = z.object({ uuid: Uuid, version_id: VersionId, upload_id: z.string() });

export function fileRoutes({ catalogue, objects, uploads }: HubParts): Hono<HubEnv> {
  const { files } = catalogue;
  const app = new Hono<HubEnv>();

  app.post("/file/", async (c) => {
    await files.create(await readBody(c, FileCreate));
    return c.json(null, 201);
  });

  app.get("/file/read/", async (c) => {
    const { uuid, version_id } = readQuery(c, Read);
    const versions = await files.read(uuid, version_id);
    if (!versions) throw new HubError(403, `file ${uuid} does not exist`);
    return c.json(await presentFiles(versions, objects, originOf(c.req.raw)));
  });

  app.get("/file/by_name/", async (c) => {
    const { dataset_uuid, name } = readQuery(c, ByName);
    const versions = await files.readByName(dataset_uuid, name);
    return c.json(await presentFiles(versions, objects, originOf(c.req.raw)));
  });

  app.patch("/file/", async (c) => {
    const key = readQuery(c, OneVersion);
    const { ranking } = await readBody(c, Ranking);
    if (ranking !== null && ranking !== undefined) await files.setRanking(key, ranking);
    return c.json(null);
  });

  app.delete("/file/", async (c) => {
    const { file_uuid } = readQuery(c, OneFile);
    requireAdmin(c.var.user);
    await files.remove(file_uuid);
    await catalogue.durable();
    await objects.purge([file_uuid]);
    uploads.sweep();
    return c.json(null);
  });

  app.post("/file/mark_immutable/", async (c) => {
    const { file_uuid, version_id } = await readBody(c, Mark);
    await files.markImmutable({ uuid: file_uuid, version_id });
    return c.json(null, 202);
  });

  app.get("/file/presigned_link/single_part/", async (c) => {
    const { file_uuid, version_id } = readQuery(c, Upload);
    const key = { uuid: file_uuid, version_id };
    await files.openUpload(key);
    return c.json({ ...key, url: await objects.uploadLink(key, originOf(c.req.raw)) });
  });

  app.post("/file/validate_upload/single_part/", async (c) => {
    await validateUpload(await readBody(c, FileValidate), catalogue, objects);
    return c.json(null, 202);
  });

  app.get("/file/presigned_link/", async (c) => {
    const { file_uuid, version_id } = readQuery(c, Upload);
    return c.json(await uploads.begin({ uuid: file_uuid, version_id }, originOf(c.req.raw)));
  });

  app.post("/file/validate_upload/", async (c) => {
    await uploads.validate(await readBody(c, FileValidate));
    return c.json(null, 202);
  });

  app.post("/file/abort_upload/", async (c) => {
    const { upload_id, ...key } = await readBody(c, Abort);
    await uploads.abort(key, upload_id);
    return c.json(null, 202);
  });

  return app;
}
