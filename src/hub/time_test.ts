import { assertEquals } from "../../tests/assert.ts";
import { normalizeTime, timeFromMs } from "./time.ts";

Deno.test("times become UTC with microseconds, whatever their offset and precision", () => {
  const cases: [string, string | null][] = [
    ["2026-03-01T12:00:00.123456+00:00", "2026-03-01T12:00:00.123456+00:00"],
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000000+00:00"],
    ["2026-03-01T01:30:00.1234569+02:00", "2026-02-28T23:30:00.123456+00:00"],
    ["2026-12-31T23:00:00.5-0330", "2027-01-01T02:30:00.500000+00:00"],
    ["1969-12-31T23:59:59.999999+00:00", "1969-12-31T23:59:59.999999+00:00"],
    ["2026-03-01T12:00:00", null],
    ["2026-02-30T12:00:00Z", null],
    ["2026-03-01T25:00:00Z", null],
    ["2026-03-01", null],
    ["yesterday", null],
  ];
  for (const [text, expected] of cases) assertEquals(normalizeTime(text), expected, text);
});

Deno.test("a moment in ms is written with microseconds and offset", () => {
  assertEquals(timeFromMs(1_760_000_000_123), "2025-10-09T08:53:20.123000+00:00");
});
