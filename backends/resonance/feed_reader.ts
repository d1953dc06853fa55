/** Reads the events of a run that its writer shows before they are committed (`writer/event_feed.ts`). */
import fs from "node:fs";
import { z } from "zod";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import { feedPath } from "./writer/event_feed.ts";

/** Bytes read at once. */
const SLICE = 1 << 20;

const mapSchema = z.record(z.string(), z.unknown());
const eventSchema = z.object({
  uid: z.string(),
  stream: z.string(),
  seq_num: z.number(),
  /** Unix seconds. */
  time: z.number(),
  data: mapSchema,
  timestamps: mapSchema,
});
const imageSchema = z.object({
  /** Uid of its event. */
  event: z.string(),
  field: z.string(),
  index: z.number(),
});
export type FedEvent = z.infer<typeof eventSchema>;
export type FedImage = z.infer<typeof imageSchema>;

/** The reading end: what was added since the last time. */
export class FeedReader {
  readonly #path: string;
  #offset = 0;

  constructor(databasePath: string, runUid: string) {
    this.#path = feedPath(databasePath, runUid);
  }

  /** Whole lines; one that is being written, or torn by a crash, is left for the next time. */
  read(): (FedEvent | FedImage)[] {
    let handle: number;
    try {
      handle = fs.openSync(this.#path, "r");
    } catch {
      // There is none, or none any more.
      return [];
    }
    try {
      const fresh = fs.fstatSync(handle).size - this.#offset;
      if (fresh <= 0) return [];
      const bytes = new Uint8Array(Math.min(SLICE, fresh));
      const length = fs.readSync(handle, bytes, 0, bytes.length, this.#offset);
      const end = bytes.subarray(0, length).lastIndexOf(10) + 1;
      // A line longer than a slice is none that is shown.
      this.#offset += end === 0 && length === SLICE ? SLICE : end;
      return new TextDecoder().decode(bytes.subarray(0, end)).split("\n").flatMap(entryIn);
    } finally {
      fs.closeSync(handle);
    }
  }
}

function entryIn(line: string): (FedEvent | FedImage)[] {
  try {
    return [z.union([eventSchema, imageSchema]).parse(parseTolerantJson(line))];
  } catch {
    return [];
  }
}
