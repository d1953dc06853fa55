/** The messages between the agent and a reader process, checked on both sides. */
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { errorDataSchema } from "../kit/error_schema.ts";
import { TASKS } from "./task_schemas.ts";
import type { TaskKind } from "./tasks.ts";

const integer = z.number().int();

/** Asks a reader process to run a task; `input` is checked by {@link TASKS}. */
export const requestSchema = z.strictObject({
  id: integer,
  kind: z.enum(Object.keys(TASKS) as [TaskKind, ...TaskKind[]]),
  input: z.unknown(),
  /** Limit of the resident memory, bytes. */
  memory: z.number(),
});
export type Request = z.infer<typeof requestSchema>;

/** State of the process after task `id`. */
const afterwards = {
  id: integer,
  rss: z.number(),
  /** It may hold broken state: don't use it again. */
  damaged: z.boolean(),
};

/** What a reader process says. `rss` is its resident memory in bytes. */
export const messageSchema = z.discriminatedUnion("type", [
  /** Said once, before anything of a backend is loaded. */
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("result"), output: z.unknown(), ...afterwards }),
  z.strictObject({ type: z.literal("error"), error: errorDataSchema, ...afterwards }),
  /** Its last words before it kills itself for using too much memory. */
  z.strictObject({ type: z.literal("memory"), rss: z.number() }),
]);
export type Message = z.infer<typeof messageSchema>;

/**
 * Parses with a schema.
 * @param what names the message in the error
 * @param author who made the message: code of a backend or converter, or the agent itself
 * @throws SyncError `reader_protocol` naming the first members that are wrong, class reader or internal
 */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  what: string,
  author: "backend" | "agent" = "backend",
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(deepestIssue).slice(0, 3).map((issue) =>
    `${issue.path.length ? issue.path.join(".") + ": " : ""}${issue.message}`
  );
  const [cls, culprit] = author === "agent"
    ? ["internal", "etiket-sync"] as const
    : ["reader", "the backend or converter"] as const;
  throw new SyncError(cls, "reader_protocol", `${what} is not valid: ${issues.join("; ")}`, {
    hint: `This is a bug in ${culprit}: please report it.`,
  });
}

/** Of a union, which only says that no member fits, the complaint of the member that fits best. */
function deepestIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const inner = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(deepestIssue);
  const [deepest] = inner.sort((a, b) => b.path.length - a.path.length);
  return deepest ? { ...deepest, path: [...issue.path, ...deepest.path] } : issue;
}
