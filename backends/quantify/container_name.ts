/**
 * Names of Quantify's measurement containers: a TUID (`YYYYMMDD-HHMMSS-fff-xxxxxx`, local time without zone and six
 * characters of a–z 0–9), then nothing, or `-` (in older data a blank) and the measurement's name.
 */
import { isoFromLocal, type LocalTimeNote } from "../../src/kit/time.ts";

const TUID = String.raw`\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-` +
  String.raw`(?:[01]\d|2[0-3])[0-5]\d[0-5]\d-\d{3}-[a-z0-9]{6}`;
const CONTAINER = new RegExp(String.raw`^(${TUID})(?:[- ]([^]*))?$`);
const TUID_PREFIX = new RegExp(String.raw`^${TUID}(?:[- ]|$)`);

/** Relative path of a container: its day folder and itself. */
export const CONTAINER_PATH = new RegExp(String.raw`^\d{8}/${TUID}(?:[- ][^]*)?$`);

export interface ContainerName {
  /** 26 characters. */
  tuid: string;
  /** "" for a measurement without name. */
  name: string;
}

/** Takes a folder name apart; undefined when it does not start with a TUID. */
export function parseContainerName(folder: string): ContainerName | undefined {
  const m = CONTAINER.exec(folder.normalize("NFC"));
  return m?.[1] === undefined ? undefined : { tuid: m[1], name: (m[2] ?? "").trim() };
}

/** A path inside a container as a name: its parts without TUIDs before them, joined by `.`. */
export function dottedName(path: string): string {
  const parts = path.split("/").map((part) => part.replace(TUID_PREFIX, ""));
  return parts.filter((part) => part !== "").join(".") || path.replaceAll("/", ".");
}

/**
 * The start of a measurement from its TUID.
 * @param timeZone IANA zone in which the TUID's clock ran
 * @returns null for a day that no calendar has, such as 30 February
 */
export function startOf(tuid: string, timeZone: string): { iso: string; note: LocalTimeNote | null } | null {
  const [date = "", time = "", ms = ""] = tuid.split("-");
  const part = (text: string, at: number, length = 2) => Number(text.slice(at, at + length));
  try {
    const local = Temporal.PlainDateTime.from({
      year: part(date, 0, 4),
      month: part(date, 4),
      day: part(date, 6),
      hour: part(time, 0),
      minute: part(time, 2),
      second: part(time, 4),
      millisecond: Number(ms),
    }, { overflow: "reject" });
    return local.year === 0 ? null : isoFromLocal(local, timeZone);
  } catch (e) {
    if (e instanceof RangeError) return null;
    throw e;
  }
}
