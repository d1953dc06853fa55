/** Whether a run without exit status is still being measured. */
import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import { numberOf } from "./beamtime_database.ts";
import { storeOf } from "./places.ts";

/** A run that did not change for this long is taken for one whose writer died, ms. */
export const QUIET_MS = 10 * 60 * 1000;

export interface Activity {
  /** When the run last gave a sign of life, ms since 1970 UTC. */
  last: number;
  /** Rows and frames that are there; changes when more come. */
  extent: string;
}

/**
 * The signs of life of a run. Events are committed at its end, so frames tell more than rows.
 * @param modified of the database's files, ms since 1970 UTC
 */
export function activityOf(db: ReadOnlyDatabase, runUid: string, modified: number): Activity {
  const row = db.get(
    "SELECT r.time_start, count(DISTINCT s.uid) AS streams, max(s.time_created) AS opened, count(e.uid) AS events, " +
      "max(e.time) AS measured FROM runs AS r LEFT JOIN streams AS s ON s.run_uid = r.uid " +
      "LEFT JOIN events AS e ON e.stream_uid = s.uid WHERE r.uid = ?",
    runUid,
  );
  const refs = !db.tables().has("image_refs") ? 0 : Number(
    db.get(
      "SELECT count(*) AS n FROM image_refs WHERE event_uid IN " +
        "(SELECT e.uid FROM events AS e JOIN streams AS s ON s.uid = e.stream_uid WHERE s.run_uid = ?)",
      runUid,
    )?.n ?? 0,
  );
  const recorded = 1000 *
    Math.max(...[row?.time_start, row?.opened, row?.measured].map((t) => numberOf(t) ?? 0));
  const images = stacksOf(db.path, runUid);
  const frames = images.reduce((sum, image) => sum + image.frames, 0);
  // Frames whose rows are committed say nothing that the rows do not; nor do fresh times of files that were copied.
  const arrived = frames > refs ? Math.max(...images.map((i) => i.modified)) : 0;
  return {
    last: Math.max(Math.min(recorded, modified), arrived),
    extent: [row?.streams, row?.events, refs, frames].join(" "),
  };
}

/** A stack of images in the store. */
export interface StoredStack {
  /** Name of the folder: the field. */
  field: string;
  frames: number;
  /** When it last grew, ms since 1970 UTC. */
  modified: number;
}

const stackSchema = z.object({ shape: z.tuple([z.number().int()], z.number().int()) });

/** The stacks of images that a run has in the store, whether the database tells of them or not. */
export function stacksOf(databasePath: string, runUid: string): StoredStack[] {
  const folder = join(storeOf(databasePath), "runs", runUid);
  let names: string[];
  try {
    names = fs.readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name);
  } catch {
    return [];
  }
  return names.sort().flatMap((field) => {
    const stack = ["zarr.json", ".zarray"].map((file) => stackAt(join(folder, field, file))).find(Boolean);
    return stack ? [{ field, ...stack }] : [];
  });
}

/** undefined when there is no metadata document of an array: whether it is damaged shows when it is read. */
function stackAt(path: string): Omit<StoredStack, "field"> | undefined {
  try {
    const { shape: [frames] } = stackSchema.parse(JSON.parse(fs.readFileSync(path, "utf8")));
    return { frames, modified: fs.statSync(path).mtimeMs };
  } catch {
    return undefined;
  }
}
