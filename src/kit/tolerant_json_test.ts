import { assertEquals, assertThrows } from "../../tests/assert.ts";
import { parseTolerantJson } from "./tolerant_json.ts";

Deno.test("bare NaN and Infinity are numbers, except inside text", () => {
  assertEquals(parseTolerantJson('{"a": NaN, "b": [Infinity, -Infinity], "c": "NaN, -Infinity \\"NaN\\""}'), {
    a: NaN,
    b: [Infinity, -Infinity],
    c: 'NaN, -Infinity "NaN"',
  });
});

Deno.test("integers beyond 2^53 stay text, all other numbers are numbers", () => {
  assertEquals(
    parseTolerantJson(
      "[9007199254740993, -1152921504606846977, 9007199254740991, 1.2345678901234567, 1e300]",
    ),
    ["9007199254740993", "-1152921504606846977", 9007199254740991, 1.2345678901234567, 1e300],
  );
});

Deno.test("megabytes of text with escapes", () => {
  const text = 'NaN \\ " é '.repeat(300_000);
  assertEquals(parseTolerantJson(`{"t": ${JSON.stringify(text)}, "v": NaN}`), { t: text, v: NaN });
});

Deno.test("what is no JSON is refused", () => {
  for (const text of ["", "{", "NaNN", "{'a': 1}", "[NaN"]) {
    assertEquals(assertThrows(() => parseTolerantJson(text)).name, "SyntaxError");
  }
});

Deno.test("where its digits matter a number is given as it is written", () => {
  const text =
    '{"a": 201.0, "b": [1e-3, NaN, -Infinity], "c": "1.0 NaN", "d": 12345678901234567890, "e": null}';
  const seen: string[] = [];
  const value = parseTolerantJson(text, (source) => (seen.push(source), `<${source}>`));
  assertEquals(value, {
    a: "<201.0>",
    b: ["<1e-3>", "<NaN>", "<-Infinity>"],
    c: "1.0 NaN",
    d: "<12345678901234567890>",
    e: null,
  });
  assertEquals(seen.length, 5);
});
