/** The form of an error that comes from a file or another process. */
import { z } from "zod";
import type { ErrorData } from "./errors.ts";

/** Strict: an unknown key is a sign of another version on the other side. */
export const errorDataSchema = z.strictObject({
  code: z.string(),
  class: z.enum([
    "network",
    "auth",
    "busy",
    "local",
    "source",
    "permission",
    "platform",
    "data",
    "converter",
    "reader",
    "usage",
    "internal",
  ]),
  retry: z.enum(["now", "later", "never", "after-user"]),
  blame: z.enum(["file", "source", "network", "server", "us"]),
  message: z.string(),
  hint: z.string(),
  causes: z.array(z.string()).optional(),
  stack: z.string().optional(),
  endpoint: z.string().optional(),
}) satisfies z.ZodType<ErrorData>;
