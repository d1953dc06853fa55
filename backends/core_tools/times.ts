/**
 * When a measurement began. Its uuid says so: unix milliseconds · 10⁶ + a number of the computer. The columns
 * `start_time` and `stop_time` are local times of the connection that wrote them; their distance to the uuid's time
 * tells the zone, so that they too can be given in UTC.
 */
import { isoFromMs, parseTime } from "../../src/kit/time.ts";
import type { Measurement } from "./overview.ts";

/** core-tools did not exist before: smaller uuids are no times. */
const EARLIEST_MS = Date.UTC(2010);
const LATEST_MS = Date.UTC(9999);
const QUARTER_HOUR_MS = 15 * 60 * 1000;
/** No zone is further from UTC. */
const FURTHEST_MS = 15 * 60 * 60 * 1000;

/** @returns ms since 1970 UTC; undefined when the uuid holds no time */
export function uuidTime(uuid: string): number | undefined {
  const ms = Number(BigInt(uuid) / 1_000_000n);
  return ms >= EARLIEST_MS && ms < LATEST_MS ? ms : undefined;
}

export interface MeasurementTimes {
  /** ms since 1970 UTC; undefined when nothing says it. */
  started: number | undefined;
  /** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC. */
  start: string;
  /** As `start`; that of the start while it runs. */
  stop: string;
}

/** @param timeZone of local times where the uuid holds no time */
export function timesOf(measurement: Measurement, timeZone: string): MeasurementTimes {
  const { uuid, start_time, stop_time } = measurement;
  const byUuid = uuidTime(uuid);
  const local = start_time === null ? undefined : msOf(start_time, byUuid === undefined ? timeZone : "UTC");
  const offset = byUuid === undefined || local === undefined ? 0 : zoneOffset(local - byUuid);
  const inUtc = (column: string | null) => {
    const ms = column === null ? undefined : msOf(column, byUuid === undefined ? timeZone : "UTC");
    return ms === undefined ? undefined : textOf(ms - offset, column);
  };
  const started = byUuid ?? local;
  const start = inUtc(start_time) ?? (started === undefined ? "" : textOf(started, null));
  return { started, start, stop: inUtc(stop_time) ?? start };
}

function zoneOffset(difference: number): number {
  return Math.abs(difference) <= FURTHEST_MS ? Math.round(difference / QUARTER_HOUR_MS) * QUARTER_HOUR_MS : 0;
}

function msOf(column: string, timeZone: string): number | undefined {
  const time = parseTime(column, timeZone);
  return time ? Date.parse(time.iso) : undefined;
}

/** @param column where the microseconds are */
function textOf(ms: number, column: string | null): string {
  const micros = /\.\d{3}(\d{1,3})/.exec(column ?? "")?.[1]?.padEnd(3, "0") ?? "000";
  const fraction = /\.(\d{1,3})/.exec(column ?? "")?.[1];
  const whole = isoFromMs(ms).slice(0, 19).replace("T", " ");
  const thousandths = isoFromMs(ms).slice(20, 23);
  // As Python writes a time: without a fraction when it is a whole second.
  return column !== null && fraction === undefined ? whole : `${whole}.${thousandths}${micros}`;
}
