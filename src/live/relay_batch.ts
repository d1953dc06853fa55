/** How an agent passes the events of a session on to a hub. Everything may be said twice: numbers tell what is known. */
import { z } from "zod";
import {
  Block,
  EndEvent,
  ExtentEvent,
  HeartbeatEvent,
  OpenEvent,
  PatchEvent,
  SessionFacts,
  SnapshotEvent,
  StateEvent,
} from "./live_event.ts";

/** More cells of the snapshot that was begun before. */
const SnapshotPart = z.object({
  type: z.literal("snapshot_part"),
  epoch: z.string(),
  seq: z.int(),
  patches: z.array(Block),
  /** The snapshot is whole now. */
  last: z.boolean(),
});

export const RelayEvent = z.discriminatedUnion("type", [
  OpenEvent,
  PatchEvent,
  ExtentEvent,
  // One that is too long for one batch says `more`: parts follow.
  SnapshotEvent.extend({ more: z.boolean().optional() }),
  SnapshotPart,
  StateEvent,
  HeartbeatEvent,
  EndEvent,
]);
export type RelayEvent = z.infer<typeof RelayEvent>;

/** A batch without events says that the agent is there, and asks what is known. */
export const RelayBatch = z.object({ facts: SessionFacts, events: z.array(RelayEvent) });
export type RelayBatch = z.infer<typeof RelayBatch>;

/** What a hub knows of a session; epoch null = nothing. */
export const RelayPosition = z.object({ epoch: z.string().nullable(), seq: z.int().min(0) });
export type RelayPosition = z.infer<typeof RelayPosition>;
