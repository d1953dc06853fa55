/** What a run says of itself: the metadata of its dataset. */
import { basename } from "node:path";
import type { DatasetDraft } from "../../src/kit/drafts.ts";
import { isoFromMs } from "../../src/kit/time.ts";
import { type ImageRef, mapOf, type Run } from "./beamtime_database.ts";
import type { ResonanceConfig } from "./config.ts";
import { stemOf } from "./places.ts";
import { isArrayKey, type StreamColumns } from "./stream_columns.ts";

/** All that the database holds of a run. */
export interface RunContent {
  run: Run;
  streams: StreamColumns[];
  refs: ImageRef[];
}

/**
 * The draft without files.
 * @param path of the database
 * @param images fields that hold images
 */
export function describe(
  path: string,
  config: ResonanceConfig,
  { run, streams }: RunContent,
  images: ReadonlySet<string>,
): DatasetDraft {
  const { sample } = run;
  const metadata = mapOf(run.metadata);
  const events = streams.reduce((sum, s) => sum + s.events, 0);
  const tags = [sample?.tags].flat().filter((tag) => typeof tag === "string");
  const fields = streams.flatMap(({ stream, fields }) =>
    [...fields.keys()].filter((field) => !images.has(field) && !isArrayKey(mapOf(stream.data_keys)[field]))
  );
  const attributes: Record<string, unknown> = {
    sample: sample?.name,
    formula: sample?.formula,
    serial: sample?.serial,
    beamline_pos: sample?.beamline_pos,
    operator: run.operator || scalar(metadata.operator),
    exit_status: run.exit_status,
    beamtime: stemOf(path),
    "set-up": config.set_up,
  };
  for (const [key, value] of Object.entries(metadata)) {
    attributes[key] ??= scalar(value);
  }
  return {
    name: [run.plan_name, sample?.name].filter(Boolean).join(" "),
    alt_uid: run.uid,
    collected: isoFromMs(1000 * run.time_start),
    description: [
      `database : ${basename(path)}`,
      `run UID : ${run.uid}`,
      `plan : ${run.plan_name}`,
      `number of events : ${events}`,
    ].join(" | "),
    keywords: [...new Set([run.plan_name, ...tags, ...fields])].filter((word) => word !== ""),
    ranking: 0,
    attributes: Object.fromEntries(
      Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined && value !== ""),
    ),
    files: [],
  };
}

/** A value that is no list and no map. */
function scalar(value: unknown): unknown {
  return typeof value === "object" ? undefined : value;
}
