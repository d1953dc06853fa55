/** What is said of a measurement: the fields of its dataset, the attributes of its file. */
import type { DatasetDraft, DraftLog } from "../../src/kit/drafts.ts";
import type { Attributes } from "../../src/kit/labelled.ts";
import { isoFromMs } from "../../src/kit/time.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import type { Measurement } from "./overview.ts";
import { gatesIn, type JsonText } from "./snapshot_json.ts";
import type { MeasurementTimes } from "./times.ts";

/** The fields of the dataset. @param started ms since 1970 UTC */
export function fieldsOf(
  measurement: Measurement,
  dbname: string,
  keywords: string[],
  started: number,
): Omit<DatasetDraft, "files"> {
  const { id, uuid, sample, set_up, project } = measurement;
  const name = measurement.exp_name?.trim();
  return {
    name: name ? name : `measurement ${id}`,
    alt_uid: uuid,
    collected: isoFromMs(started),
    description: `database : ${dbname} | id : ${id} | ct_uuid : ${uuid}`,
    keywords,
    ranking: measurement.starred ? 1 : 0,
    attributes: {
      ...(sample ? { sample } : {}),
      ...(set_up ? { "set-up": set_up } : {}),
      ...(project ? { project } : {}),
    },
  };
}

/** The attributes of the file: core-tools' own, and the gates. */
export function attributesOf(
  measurement: Measurement,
  times: MeasurementTimes,
  keywords: string[],
  snapshot: JsonText,
  metadata: JsonText,
): Attributes {
  const gates = gatesIn(snapshot);
  const set_up = measurement.set_up ?? "";
  return {
    title: measurement.exp_name ?? "",
    uuid: BigInt(measurement.uuid),
    id: BigInt(measurement.id),
    sample_name: measurement.sample ?? "",
    project: measurement.project ?? "",
    setup: set_up,
    set_up,
    measurement_time: times.start,
    completed_time: times.stop,
    metadata: metadata.text,
    ...(keywords.length > 0 ? { keywords } : {}),
    completed: measurement.completed ? 1n : 0n,
    application: "core-tools",
    snapshot: snapshot.text,
    ...(gates ? { gates: JSON.stringify(gates) } : {}),
  };
}

/** Labels of the setpoints and of what was measured; an odd column costs the keywords only. */
export function keywordsIn(column: string | null): { list: string[]; logs: DraftLog[] } {
  const value = column === null ? null : parseTolerantJson(column);
  const list = Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
  const logs = value === null || list.length > 0 || Array.isArray(value)
    ? []
    : [{ code: "keywords_unreadable", message: "the keywords are not a list of texts: none are taken" }];
  const texts = list.filter((word) => typeof word === "string" || typeof word === "number")
    .map((word) => String(word).trim()).filter((word) => word !== "");
  return { list: [...new Set(texts)], logs };
}
