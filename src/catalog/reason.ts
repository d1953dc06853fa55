/** The part of an error that is kept in state columns: why something is as it is. */
import { z } from "zod";
import { errorDataSchema } from "../kit/error_schema.ts";
import type { ErrorData } from "../kit/errors.ts";
import { redact } from "../kit/redact.ts";

export const reasonSchema = errorDataSchema.pick({
  code: true,
  class: true,
  retry: true,
  blame: true,
  message: true,
  hint: true,
});

export type Reason = z.infer<typeof reasonSchema>;

/** A JSON column that holds a reason or NULL. */
export const reasonJson = z.string().nullable().transform((s) =>
  s === null ? null : reasonSchema.parse(JSON.parse(s))
);

export function reasonOf(error: ErrorData): Reason {
  const { code, class: cls, retry, blame, message, hint } = error;
  return { code, class: cls, retry, blame, message: redact(message).slice(0, 2000), hint: redact(hint) };
}
