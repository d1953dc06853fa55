/**
 * `/bucket/<file uuid>/<version id>`: where the links of the folder store lead, those to parts with `partNumber` and
 * `uploadId` as S3 has them. The link is the permission.
 */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { HubError } from "../hub_error.ts";
import type { FileCatalogue, VersionKey } from "../catalogue.ts";
import { readPath, readQuery } from "../routes/input.ts";
import { type FileRecord, Uuid, VersionIdText } from "../schemas.ts";
import { parseRange } from "./byte_range.ts";
import type { FolderObjects } from "./folder_objects.ts";
import type { LinkedPart } from "./link_signer.ts";

const PATH = "/bucket/:uuid/:version_id";
const Key = z.object({ uuid: Uuid, version_id: VersionIdText });
const Link = z.object({
  token: z.string(),
  partNumber: z.string().regex(/^\d{1,5}$/, "Invalid partNumber").transform(Number).optional(),
  uploadId: Uuid.optional(),
});

const base64 = (hex: string) => Uint8Array.fromHex(hex).toBase64();
const etagOf = (md5: string) => `"${md5}"`;

export function bucketRoutes(objects: FolderObjects, files: FileCatalogue): Hono {
  const app = new Hono();

  /** The object that the request's link leads to. @throws HubError 403 when it does not allow the method */
  function permitted(c: Context, method: "PUT" | "GET"): VersionKey & { part?: LinkedPart } {
    const key = readPath(c, Key);
    const { token, partNumber, uploadId } = readQuery(c, Link);
    const isPart = partNumber !== undefined && uploadId !== undefined;
    const part = isPart ? { partNumber, uploadId } : undefined;
    if (!objects.signer.allows(token, method, key, part)) {
      throw new HubError(
        403,
        "the link is not valid for this object and method, or has expired: ask for a new one",
      );
    }
    return { ...key, part };
  }

  app.put(PATH, async (c) => {
    const { part, ...key } = permitted(c, "PUT");
    await files.requireOpen(key);
    const length = contentLength(c.req.header("content-length"));
    const claimed = c.req.header("content-md5");
    const check = (md5: string) => {
      if (claimed !== undefined && claimed !== base64(md5)) {
        throw new HubError(400, `Content-MD5 is ${claimed}, that of the bytes is ${base64(md5)}`);
      }
    };
    const md5 = part
      ? await objects.parts.receive({ ...key, ...part }, c.req.raw.body, length, check)
      : (await objects.store(key, c.req.raw, length, (facts) => check(facts.md5))).md5;
    return c.body(null, 200, { ETag: etagOf(md5), "Content-MD5": base64(md5) });
  });

  app.get(PATH, async (c) => {
    const key = permitted(c, "GET");
    const record = await files.version(key);
    if (record?.status !== "secured") throw new HubError(404, "there is no such object");
    const object = await objects.open(key);
    if (!object || object.size !== record.size) {
      object?.close();
      throw new HubError(500, `the object of file ${key.uuid} version ${key.version_id} is damaged`);
    }
    const headers = headersOf(record);
    const sameObject = [undefined, headers.ETag].includes(c.req.header("if-range"));
    const range = sameObject ? parseRange(c.req.header("range"), object.size) : null;
    if (range === "unsatisfiable") {
      object.close();
      const problem = { detail: `the range is outside of ${object.size} bytes` };
      return c.json(problem, 416, { "Content-Range": `bytes */${object.size}` });
    }
    const { start, end } = range ?? { start: 0, end: object.size };
    headers["Content-Length"] = String(end - start);
    if (range) headers["Content-Range"] = `bytes ${start}-${end - 1}/${object.size}`;
    // A part has a content md5 of its own.
    if (range) delete headers["Content-MD5"];
    if (c.req.method === "HEAD") {
      object.close();
      return c.body(null, range ? 206 : 200, headers);
    }
    return c.body(object.read({ start, end }), range ? 206 : 200, headers);
  });

  return app;
}

function headersOf(record: FileRecord): Record<string, string> {
  const md5 = record.plain_md5 ?? "";
  return {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename*=UTF-8''${
      encodeURIComponent(record.filename.toWellFormed())
    }`,
    "Accept-Ranges": "bytes",
    ETag: etagOf(md5),
    "Content-MD5": base64(md5),
  };
}

function contentLength(header: string | undefined): number {
  if (header !== undefined && /^\d{1,15}$/.test(header)) return Number(header);
  throw new HubError(411, "a PUT needs a Content-Length");
}
