/** Bodies and queries, checked. */
import type { Context } from "hono";
import type { z } from "zod";
import { type FieldProblem, HubError } from "../hub_error.ts";

/** Longest JSON body: a bug report with 10 MiB of attachments in base64. */
const MAX_BODY = 16 * 1024 * 1024;

/**
 * The JSON body of a request.
 * @throws HubError 422 naming the fields that do not fit, 413 when it is too long
 */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(c.req.raw);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (e) {
    const msg = `Invalid JSON: ${e instanceof Error ? e.message : e}`;
    throw new HubError(422, [{ loc: ["body"], msg, type: "json_invalid" }]);
  }
  return check("body", json, schema);
}

/** The query of a request. @throws HubError 422 */
export function readQuery<T>(c: Context, schema: z.ZodType<T>): T {
  return check("query", c.req.query(), schema);
}

/** The parameters in the path of a request. @throws HubError 422 */
export function readPath<T>(c: Context, schema: z.ZodType<T>): T {
  return check("path", c.req.param(), schema);
}

function check<T>(where: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new HubError(
    422,
    parsed.error.issues.map((issue): FieldProblem => ({
      loc: [where, ...issue.path.map((part) => typeof part === "symbol" ? String(part) : part)],
      msg: issue.message,
      type: issue.code,
    })),
  );
}

/** A length that was announced holds: HTTP gives no more bytes than that. */
async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get("content-length") ?? Infinity) <= MAX_BODY) return await request.text();
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY) throw new HubError(413, `the body is longer than ${MAX_BODY} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
