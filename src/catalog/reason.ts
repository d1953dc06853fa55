/** The part of an error that is kept in state columns: why something is as it is. */
import { z } from "zod";
import type { ErrorData } from "../kit/errors.ts";

export const reasonSchema = z.object({
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
});

export type Reason = z.infer<typeof reasonSchema>;

/** A JSON column that holds a reason or NULL. */
export const reasonJson = z.string().nullable().transform((s) =>
  s === null ? null : reasonSchema.parse(JSON.parse(s))
);

export function reasonOf(error: ErrorData): Reason {
  const { code, class: cls, retry, blame, message, hint } = error;
  return { code, class: cls, retry, blame, message: message.slice(0, 2000), hint };
}
