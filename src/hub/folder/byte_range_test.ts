import { assertEquals } from "../../../tests/assert.ts";
import { parseRange } from "./byte_range.ts";

Deno.test("a single range of bytes is understood, anything else is not", () => {
  const cases: [string | null, ReturnType<typeof parseRange>][] = [
    ["bytes=0-3", { start: 0, end: 4 }],
    ["bytes=4-", { start: 4, end: 10 }],
    ["bytes=8-100", { start: 8, end: 10 }],
    ["bytes=-3", { start: 7, end: 10 }],
    ["bytes=-100", { start: 0, end: 10 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-2", null],
    ["bytes=0-1,4-5", null],
    ["bytes=-", null],
    ["items=0-1", null],
    [null, null],
  ];
  for (const [header, expected] of cases) assertEquals(parseRange(header, 10), expected, String(header));
});

Deno.test("no range fits an empty object", () => {
  assertEquals(parseRange("bytes=0-", 0), "unsatisfiable");
});
