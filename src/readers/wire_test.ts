import { assertEquals, assertStringIncludes, assertThrows } from "../../tests/assert.ts";
import { decode, encode, LineSplitter } from "./wire.ts";

Deno.test("what is decoded equals what was encoded", () => {
  const values = [
    null,
    [true, 1.5, "text\n\u2028"],
    { big: -(2n ** 70n), nan: NaN, up: Infinity, down: -Infinity, nested: [{ n: 0n }] },
    // Not made by encode, though it looks like it.
    { "\0number": "12x" },
    { "\0number": "12n", other: 1 },
  ];
  for (const value of values) assertEquals(decode(encode(value)), value);
});

Deno.test("an encoded message is one line", () =>
  assertEquals(encode({ a: "x\ny\r" }).includes("\n"), false));

Deno.test("typed arrays become lists, undefined members are left out", () => {
  const encoded = encode({ a: Float32Array.of(0.5, 2), b: BigInt64Array.of(3n), c: undefined });
  assertEquals(decode(encoded), { a: [0.5, 2], b: [3n] });
});

Deno.test("what has no JSON form is refused by name", () => {
  assertStringIncludes(
    assertThrows(() => encode({ a: { callback: () => {} } })).message,
    '"callback" holds a function',
  );
  assertStringIncludes(assertThrows(() => encode({ index: new Map() })).message, '"index" holds a Map');
});

Deno.test("lines are the same however the bytes are cut", () => {
  const text = "first\n\nsécond line\nthird";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const line of splitter.push(bytes.subarray(at, at + size))) {
        lines.push(new TextDecoder().decode(line));
      }
    }
    assertEquals(lines, ["first", "", "sécond line"]);
    assertEquals(splitter.pending, "third".length);
  }
});
