/** Times of the platform: ISO 8601 UTC with microseconds and `+00:00`, so that text order is time order. */

const PATTERN = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)$/i;

/**
 * Brings a time with offset to the platform's form, keeping its microseconds.
 * @returns null when the text is no ISO 8601 time with an offset
 */
export function normalizeTime(text: string): string | null {
  const match = PATTERN.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second = "00", fraction = "", zone = ""] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const asUtc = new Date(`${local}Z`);
  // Date rolls 30 February over to March: such a text is no time.
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString().slice(0, 19) !== local) return null;
  const utc = new Date(asUtc.getTime() - offsetMinutes(zone) * 60_000);
  const year4 = utc.getUTCFullYear();
  if (year4 < 1 || year4 > 9999) return null;
  return `${utc.toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, "0")}+00:00`;
}

function offsetMinutes(zone: string): number {
  if (zone.toUpperCase() === "Z") return 0;
  const digits = zone.replace(":", "");
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return zone.startsWith("-") ? -minutes : minutes;
}

/** The platform's form of a moment in ms since 1970 UTC. */
export function timeFromMs(ms: number): string {
  return `${new Date(Math.floor(ms)).toISOString().slice(0, 23)}000+00:00`;
}
