/** The events of a live measurement as they travel: to local subscribers, to the hub, and from it to viewers elsewhere. */
import { z } from "zod";

const Size = z.int().min(0);

export const Variable = z.object({
  name: z.string(),
  /** `c16` = pairs of f8; `text` = UTF-8. */
  dtype: z.enum(["f8", "i8", "c16", "text"]),
  dims: z.array(z.string()),
  /** Extent, per axis. */
  shape: z.array(Size),
  role: z.enum(["setpoint", "measured"]),
  units: z.string().nullable(),
  long_name: z.string().nullable(),
  depends_on: z.array(z.string()),
});
export type Variable = z.infer<typeof Variable>;

/** A block of cells with their absolute values in C order: every cell of it was measured (a NaN in it is data). */
export const Block = z.object({
  var: z.string(),
  /** First cell, per axis. */
  offset: z.array(Size),
  shape: z.array(Size),
  /** `f64le`, `i64le`: `data` is base64 of 8-byte words, complex as pairs; `json`: a list of texts. */
  encoding: z.enum(["f64le", "i64le", "json"]),
  data: z.union([z.string(), z.array(z.string())]),
});
export type Block = z.infer<typeof Block>;

export const Structure = z.object({
  /** Name of the measurement. */
  name: z.string(),
  attrs: z.record(z.string(), z.unknown()),
  variables: z.array(Variable),
});
export type Structure = z.infer<typeof Structure>;

/** What a session is about, besides its structure. */
export const Origin = z.object({
  dataset_uuid: z.string().nullable(),
  /** Name of the source. */
  source: z.string(),
  backend: z.string(),
});

export const LiveState = z.enum(["running", "stalled", "reading_delayed"]);
export type LiveState = z.infer<typeof LiveState>;

export const Ending = z.object({
  reason: z.enum(["completed", "filled", "superseded", "inactive", "lost", "stopped", "failed"]),
  /** One sentence with the fact that was seen. */
  evidence: z.string(),
  /** Whether the measurement is whole. */
  complete: z.union([z.boolean(), z.literal("unknown")]),
});
export type Ending = z.infer<typeof Ending>;

/** What every event says. */
const Stamp = z.object({
  /** Id of the session. */
  session: z.string(),
  /** Another one whenever continuity is not certain. */
  epoch: z.string(),
  /** From 1 (`open`), one more with each event. */
  seq: Size,
  /** ms since 1970 UTC. */
  t: z.number(),
});
export type Stamp = z.infer<typeof Stamp>;

/** Of events that were merged for a slow reader: the first one that is in it; left out when it is `seq`. */
const Merged = z.object({ seq_from: Size.optional() });

export const OpenEvent = z.object({
  type: z.literal("open"),
  ...Stamp.shape,
  ...Origin.shape,
  ...Structure.shape,
});
export const PatchEvent = z.object({
  type: z.literal("patch"),
  ...Stamp.shape,
  ...Merged.shape,
  ...Block.shape,
});
export const ExtentEvent = z.object({
  type: z.literal("extent"),
  ...Stamp.shape,
  ...Merged.shape,
  var: z.string(),
  shape: z.array(Size),
});
/** Replaces everything known; raises no `seq`. */
export const SnapshotEvent = z.object({
  type: z.literal("snapshot"),
  ...Stamp.shape,
  ...Origin.shape,
  ...Structure.shape,
  state: LiveState,
  /** All cells that were measured. */
  patches: z.array(Block),
});
export const StateEvent = z.object({ type: z.literal("state"), ...Stamp.shape, state: LiveState });
/** Raises no `seq`. */
export const HeartbeatEvent = z.object({ type: z.literal("heartbeat"), ...Stamp.shape });
export const EndEvent = z.object({
  type: z.literal("end"),
  ...Stamp.shape,
  ...Ending.shape,
  dataset_uuid: z.string().nullable(),
});

export const LiveEvent = z.discriminatedUnion("type", [
  OpenEvent,
  PatchEvent,
  ExtentEvent,
  SnapshotEvent,
  StateEvent,
  HeartbeatEvent,
  EndEvent,
]);
export type LiveEvent = z.infer<typeof LiveEvent>;
export type OpenEvent = z.infer<typeof OpenEvent>;
export type PatchEvent = z.infer<typeof PatchEvent>;
export type ExtentEvent = z.infer<typeof ExtentEvent>;
export type SnapshotEvent = z.infer<typeof SnapshotEvent>;
export type StateEvent = z.infer<typeof StateEvent>;
export type EndEvent = z.infer<typeof EndEvent>;
export type LiveEventType = LiveEvent["type"];

/** A change of the cells, as a source's host process sends it. */
export const WireChange = z.discriminatedUnion("type", [
  z.object({ type: z.literal("patch"), ...Block.shape }),
  z.object({ type: z.literal("extent"), var: z.string(), shape: z.array(Size) }),
]);
export type WireChange = z.infer<typeof WireChange>;

/** What is known of a session when it begins. */
export const SessionFacts = z.object({
  /** Id of the session; a fresh uuid when it is left out. */
  id: z.string().optional(),
  source: z.string(),
  item_id: z.number().nullable(),
  dataset_uuid: z.string().nullable(),
  name: z.string(),
  backend: z.string(),
  /** Path of the live HDF5 file on the measurement PC. */
  live_file: z.string().nullable(),
});
export type SessionFacts = z.infer<typeof SessionFacts>;

/** A session in a list. */
export const LiveSessionView = z.object({
  ...SessionFacts.shape,
  id: z.string(),
  epoch: z.string(),
  seq: Size,
  state: z.enum([...LiveState.options, "ended"]),
  /** ISO UTC. */
  started: z.string(),
  /** Last event, ISO UTC. */
  updated: z.string(),
  /** Why it is over; null while it is not. */
  end: Ending.nullable(),
});
export type LiveSessionView = z.infer<typeof LiveSessionView>;
