import { assertEquals } from "../../tests/assert.ts";
import { count, printable, readableDuration, readableSize, relativeTime } from "./readable.ts";

Deno.test("sizes", () => {
  assertEquals([0, 999, 1000, 1234567, 999_960, 12_300_000, 5e12].map(readableSize), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 MB",
    "1.0 MB",
    "12 MB",
    "5.0 TB",
  ]);
});

Deno.test("durations", () => {
  assertEquals(
    [12, 4200, 59_999, 60_000, 185_000, 3_600_000, 7_800_000, 3 * 86_400_000].map(readableDuration),
    [
      "12 ms",
      "4.2 s",
      "1 min",
      "1 min",
      "3 min 5 s",
      "1 h",
      "2 h 10 min",
      "3 d",
    ],
  );
});

Deno.test("times relative to now", () => {
  const now = Date.parse("2024-11-06T12:00:00Z");
  assertEquals(relativeTime("2024-11-06T12:05:00+00:00", now), "in 5 min");
  assertEquals(relativeTime("2024-11-06T09:00:00.000000+00:00", now), "3 h ago");
  assertEquals(relativeTime("2024-11-06T12:00:00.5Z", now), "now");
});

Deno.test("counts", () => {
  assertEquals([count(1, "file"), count(0, "file"), count(2, "entry", "entries")], [
    "1 file",
    "0 files",
    "2 entries",
  ]);
});

Deno.test("a file name cannot steer the terminal", () => {
  assertEquals(printable("a\x1b[31mb\x07\u202egpj.exe"), "a\ufffd[31mb\ufffd\ufffdgpj.exe");
  assertEquals(printable("line 1\n\tline 2 é 漢"), "line 1\n\tline 2 é 漢");
});
