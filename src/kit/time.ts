/** Times on the wire: ISO 8601 in UTC with microseconds and `+00:00` (S9), from unix time or from local clock time. */

/** Why a local time did not name exactly one instant (S10); the caller logs it. */
export type LocalTimeNote = "ambiguous" | "gap";

export interface ResolvedTime {
  /** ISO 8601 UTC with microseconds and `+00:00`. */
  iso: string;
  /** `ambiguous`: the hour occurred twice, the first was taken. `gap`: it never occurred, moved forward. */
  note: LocalTimeNote | null;
}

function toIso(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: "microsecond", roundingMode: "floor" }).replace("Z", "+00:00");
}

/**
 * ISO text of a unix time.
 * @param ms milliseconds since 1970 UTC; a fraction is kept down to the microsecond
 * @throws RangeError when the time is not finite or beyond the years a date can hold
 */
export function isoFromMs(ms: number): string {
  // The usual case, many times a file: a tenth of the time.
  if (Number.isInteger(ms)) return new Date(ms).toISOString().replace("Z", "000+00:00");
  const whole = Math.floor(ms);
  const micro = Math.floor((ms - whole) * 1000);
  return toIso(Temporal.Instant.fromEpochMilliseconds(whole).add({ microseconds: micro }));
}

/**
 * ISO text of a wall clock reading in a zone, by the rules of S10.
 * @param local calendar date and clock time, without zone
 * @param timeZone IANA name such as `Europe/Amsterdam`
 * @throws RangeError when the zone is unknown
 */
export function isoFromLocal(local: Temporal.PlainDateTime, timeZone: string): ResolvedTime {
  const earlier = local.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  const later = local.toZonedDateTime(timeZone, { disambiguation: "later" });
  if (earlier.epochNanoseconds === later.epochNanoseconds) {
    return { iso: toIso(earlier.toInstant()), note: null };
  }
  // In a gap neither candidate reads as the clock time asked for, and "later" is the one moved forward.
  return earlier.toPlainDateTime().equals(local)
    ? { iso: toIso(earlier.toInstant()), note: "ambiguous" }
    : { iso: toIso(later.toInstant()), note: "gap" };
}

const ISO_LIKE = new RegExp(
  String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})` +
    String.raw`(?:(?:[Tt]|[ \t]+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,30}))?)?` +
    String.raw`[ \t]*([Zz]|[+-]\d{1,2}(?::?\d{2})?)?)?$`,
);

/**
 * Reads `YYYY-MM-DD`, optionally with `THH:MM[:SS[.fraction]]` (a blank may stand for the `T`) and a zone
 * (`Z`, `+01`, `+01:00`, `+0100`). Without zone it is local time in `timeZone`; a date alone is its midnight.
 * @returns null when the text is no such time, or names a day or hour that does not exist
 * @throws RangeError when `timeZone` is unknown
 */
export function parseTime(text: string, timeZone: string): ResolvedTime | null {
  const m = ISO_LIKE.exec(text.trim());
  if (!m) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = m;
  const micro = fraction.padEnd(6, "0").slice(0, 6);
  if (Number(second) > 59 || Number(year) < 1) return null;
  let local: Temporal.PlainDateTime;
  try {
    local = Temporal.PlainDateTime.from({
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      millisecond: Number(micro.slice(0, 3)),
      microsecond: Number(micro.slice(3)),
    }, { overflow: "reject" });
  } catch {
    return null;
  }
  const resolved = zone === undefined ? isoFromLocal(local, timeZone) : fromOffset(local, zone);
  // A shift to UTC can leave the four-digit years, which no platform field can hold.
  return resolved && /^(?!0000)\d{4}-/.test(resolved.iso) ? resolved : null;
}

function fromOffset(local: Temporal.PlainDateTime, zone: string): ResolvedTime | null {
  if (zone === "Z" || zone === "z") return isoFromLocal(local, "UTC");
  const digits = zone.slice(1).replace(":", "");
  const hours = Number(digits.length > 2 ? digits.slice(0, -2) : digits);
  const minutes = digits.length > 2 ? Number(digits.slice(-2)) : 0;
  if (hours > 23 || minutes > 59) return null;
  const pad = (n: number) => String(n).padStart(2, "0");
  return isoFromLocal(local, `${zone[0]}${pad(hours)}:${pad(minutes)}`);
}
