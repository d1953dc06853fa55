/** Limits by time of day: `{"08:00-18:00": "2M"}` (U12). */

/** Bytes per second of `"2M"`, `"500k"`, `"1.5M"`, `"0"` (unlimited): k, M and G are powers of 1000. NaN when it is none. */
export function parseRate(text: string | number): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kKmMgG]?)(?:i?[bB])?(?:\/s)?\s*$/.exec(String(text));
  if (!match) return NaN;
  const factor = { "": 1, k: 1e3, m: 1e6, g: 1e9 }[(match[2] ?? "").toLowerCase()] ?? NaN;
  return Math.round(Number(match[1]) * factor);
}

interface Span {
  /** Minutes since midnight; `to` before `from` goes over midnight. */
  from: number;
  to: number;
  rate: number;
}

/** Undefined when a line cannot be understood. @param timetable `HH:MM-HH:MM` → rate */
export function parseTimetable(timetable: Readonly<Record<string, string | number>>): Span[] | undefined {
  const spans: Span[] = [];
  for (const [hours, text] of Object.entries(timetable)) {
    const match = /^([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)$/.exec(hours.trim());
    const rate = parseRate(text);
    if (!match || Number.isNaN(rate)) return undefined;
    const minutes = (hour: string | undefined, minute: string | undefined) =>
      Number(hour) * 60 + Number(minute);
    spans.push({ from: minutes(match[1], match[2]), to: minutes(match[3], match[4]), rate });
  }
  return spans;
}

/**
 * The limit at a moment, in the time zone of this PC: the first span that holds it, else the general limit.
 * @param now ms since 1970
 */
export function rateAt(spans: readonly Span[], general: number, now: number): number {
  const date = new Date(now);
  const minute = date.getHours() * 60 + date.getMinutes();
  const hit = spans.find(({ from, to }) =>
    from <= to ? minute >= from && minute < to : minute >= from || minute < to
  );
  return hit?.rate ?? general;
}
