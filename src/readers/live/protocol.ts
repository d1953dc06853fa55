/** The messages between the agent and a live host process, checked on both sides. */
import { z } from "zod";
import { errorDataSchema } from "../../kit/error_schema.ts";

const id = z.int();
const text = z.string();
const size = z.int().min(0);

/** Times of behaviour 10.5, ms; tests shorten them. */
const rules = z.strictObject({
  /** Without a change for so long a session is stalled, or over where silence ends it. */
  stalled: z.number(),
  /** Where silence parks: from then on it is looked at once in `parkedPoll`. */
  parked: z.number(),
  parkedPoll: z.number(),
});
export type LiveRules = z.infer<typeof rules>;
export const LIVE_RULES: LiveRules = { stalled: 120_000, parked: 600_000, parkedPoll: 60_000 };

/** What the agent tells a live host. */
export const toHostSchema = z.discriminatedUnion("type", [
  /** The first one. */
  z.strictObject({
    type: z.literal("begin"),
    /** Limit of the resident memory, bytes. */
    memory: z.number(),
    rules,
  }),
  /** Is this item being measured? Then follow it. */
  z.strictObject({
    type: z.literal("open"),
    id,
    backend: text,
    config: z.record(text, z.unknown()),
    item: z.strictObject({ identifier: text, path: text }),
    time_zone: text,
    /** It was followed until a moment ago, by a process that is gone. */
    resumed: z.boolean(),
    /** Private folder of the session, not there yet. */
    temp: text,
    /** Folder for the live file, made when needed; null: none is written. */
    folder: text.nullable(),
  }),
  z.strictObject({ type: z.literal("close"), id }),
  /** Look now. */
  z.strictObject({ type: z.literal("wake"), id }),
  z.strictObject({ type: z.literal("ping") }),
  /** Close everything and end. */
  z.strictObject({ type: z.literal("quit") }),
]);
export type ToHost = z.infer<typeof toHostSchema>;

const variable = z.strictObject({
  name: text,
  dtype: z.enum(["f8", "i8", "c16", "text"]),
  dims: z.array(text),
  shape: z.array(size),
  role: z.enum(["setpoint", "measured"]),
  units: text.nullable(),
  long_name: text.nullable(),
  depends_on: z.array(text),
});

/** A change as it goes out on the stream: numbers as base64 of their little-endian bytes. */
const change = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("open"),
    name: text,
    attrs: z.record(text, z.unknown()),
    variables: z.array(variable),
  }),
  z.strictObject({
    type: z.literal("patch"),
    var: text,
    offset: z.array(size),
    shape: z.array(size),
    /** `json`: a list of texts. */
    encoding: z.enum(["f64le", "i64le", "json"]),
    data: z.union([text, z.array(text)]),
  }),
  z.strictObject({ type: z.literal("extent"), var: text, shape: z.array(size) }),
]);

const end = z.strictObject({
  reason: z.enum(["completed", "filled", "superseded", "inactive", "lost", "stopped", "failed"]),
  evidence: text,
  complete: z.boolean().nullable(),
});

/** What a live host tells the agent. */
export const fromHostSchema = z.discriminatedUnion("type", [
  /** Said once, before anything of a backend is loaded. */
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({ type: z.literal("opened"), id }),
  /** The item is not one that runs, or it could not be told (`error`). */
  z.strictObject({ type: z.literal("refused"), id, reason: text, error: errorDataSchema.nullable() }),
  z.strictObject({ type: z.literal("changes"), id, changes: z.array(change) }),
  z.strictObject({
    type: z.literal("state"),
    id,
    state: z.enum(["running", "stalled", "reading_delayed"]),
    reason: text,
  }),
  /** Quiet for so long that what exists is to be synchronized; told again with false when it moves. */
  z.strictObject({ type: z.literal("parked"), id, parked: z.boolean() }),
  z.strictObject({ type: z.literal("end"), id, end }),
  /** What does not end the session, such as a live file that cannot be written. */
  z.strictObject({ type: z.literal("note"), id, error: errorDataSchema }),
  /** Answer to a ping. */
  z.strictObject({ type: z.literal("alive"), rss: z.number(), looking: z.number() }),
  /** Its last words before it kills itself for using too much memory. */
  z.strictObject({ type: z.literal("memory"), rss: z.number() }),
]);
export type FromHost = z.infer<typeof fromHostSchema>;
export type WireChange = Extract<FromHost, { type: "changes" }>["changes"][number];
