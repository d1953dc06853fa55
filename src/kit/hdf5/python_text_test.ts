import { assertEquals } from "../../../tests/assert.ts";
import { compareCodePoints } from "./code_points.ts";
import { NestedList, pythonFloat, pythonFloat32, pythonString } from "./python_text.ts";

Deno.test("floats print as Python prints them", () => {
  const truth: [number, string][] = [
    [0, "0.0"],
    [-0, "-0.0"],
    [2, "2.0"],
    [0.1, "0.1"],
    [-1234.5, "-1234.5"],
    [1e-4, "0.0001"],
    [1e-5, "1e-05"],
    [1.5e-9, "1.5e-09"],
    [1e15, "1000000000000000.0"],
    [1e16, "1e+16"],
    [1.2345678901234567e18, "1.2345678901234568e+18"],
    [123456789012345680, "1.2345678901234568e+17"],
    [9007199254740993, "9007199254740992.0"],
    [5e-324, "5e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [NaN, "nan"],
    [-Infinity, "-inf"],
  ];
  for (const [value, text] of truth) assertEquals(pythonFloat(value), text);
  assertEquals(pythonFloat32(Math.fround(0.1)), "0.1");
  assertEquals(pythonFloat32(Math.fround(3.4e38)), "3.4e+38");
  assertEquals(pythonFloat32(16777216), "16777216.0");
});

Deno.test("strings print as Python prints them", () => {
  const truth: [string, string][] = [
    ["bé µ 🙂", "'bé µ 🙂'"],
    ["it's", `"it's"`],
    [`'"`, `'\\'"'`],
    ["a\\b\n\t\r", "'a\\\\b\\n\\t\\r'"],
    ["\0\x7f\xa0\xad", "'\\x00\\x7f\\xa0\\xad'"],
    ["\u2028\ufeff\ue000", "'\\u2028\\ufeff\\ue000'"],
    ["\u{e0001}", "'\\U000e0001'"],
  ];
  for (const [value, text] of truth) assertEquals(pythonString(value), text);
});

Deno.test("nested lists print as Python prints them", () => {
  const print = (shape: number[]) => {
    const list = new NestedList(shape);
    const size = shape.reduce((a, b) => a * b, 1);
    return Array.from({ length: size }, (_, i) => list.next(String(i))).join("") + list.end();
  };
  assertEquals(print([3]), "[0, 1, 2]");
  assertEquals(print([2, 2]), "[[0, 1], [2, 3]]");
  assertEquals(print([2, 1, 2]), "[[[0, 1]], [[2, 3]]]");
  assertEquals(print([0]), "[]");
  assertEquals(print([2, 0]), "[[], []]");
});

Deno.test("names are sorted by code points", () => {
  assertEquals(["\u{1f642}", "\uff21", "b", "a", ""].sort(compareCodePoints), [
    "",
    "a",
    "b",
    "\uff21",
    "\u{1f642}",
  ]);
});
