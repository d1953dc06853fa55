/** Paths, queries and bodies of requests, checked. */
import type { Context } from "hono";
import { z } from "zod";
import { ApiError } from "./api_error.ts";
import { MAX_BODY, tooLong } from "./gate.ts";

/** `true`, `1`, `yes`, `on` and their opposites, as clients of several languages write them. */
const bool = z.stringbool();
const whole = z.coerce.number().int();

export const Id = whole.min(0);
export const Flag = bool;
export const Offset = whole.min(0).default(0);
/** Rows of one page. */
export const limit = (usual: number) => whole.min(0).max(10_000).default(usual);

/** @throws ApiError 422 naming the parameter that does not fit */
export function readPath<T>(c: Context, schema: z.ZodType<T>): T {
  return check("path", c.req.param(), schema);
}

/** An empty value counts as none. @throws ApiError 422 */
export function readQuery<T>(c: Context, schema: z.ZodType<T>): T {
  const given = Object.entries(c.req.query()).filter(([, value]) => value !== "");
  return check("query", Object.fromEntries(given), schema);
}

/** The JSON body; an empty one is `{}`. @throws ApiError 422 naming the fields that do not fit, 413 */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(c.req.raw.body);
  let json: unknown = {};
  try {
    if (text.trim() !== "") json = JSON.parse(text);
  } catch (e) {
    throw invalid(`body: ${e instanceof Error ? e.message : e}`);
  }
  return check("body", json, schema);
}

export function invalid(detail: string): ApiError {
  return new ApiError(422, "validation_error", detail);
}

function check<T>(where: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => `${[where, ...issue.path.map(String)].join(".")}: ${issue.message}`)
      .join("; "),
  );
}

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY) throw tooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
