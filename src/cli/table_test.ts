import { assertEquals } from "../../tests/assert.ts";
import { keyValues, shorten, table, textWidth } from "./table.ts";

const columns = [
  { title: "NAME", value: (r: { name: string; n: number }) => r.name, flexible: true },
  { title: "N", value: (r: { name: string; n: number }) => r.n },
];

Deno.test("text is left-aligned, numbers right-aligned, wide characters take two cells", () => {
  assertEquals(
    table([{ name: "a", n: 5 }, { name: "測定", n: 120 }], columns),
    "NAME    N\na       5\n測定  120\n",
  );
});

Deno.test("flexible columns shrink to the width of the terminal, not below 12", () => {
  const rows = [{ name: "x".repeat(40), n: 1 }];
  assertEquals(table(rows, columns, 30).split("\n")[1], "x".repeat(26) + "…  1");
  assertEquals(table(rows, columns, 5).split("\n")[1], "x".repeat(11) + "…  1");
  assertEquals(table(rows, columns).split("\n")[1], "x".repeat(40) + "  1");
});

Deno.test("a cell stays on its line and holds no control characters", () => {
  assertEquals(table([{ name: "a\n b\x1b[2J", n: 1 }], columns).split("\n")[1], "a b\ufffd[2J  1");
});

Deno.test("shortening counts cells", () => {
  assertEquals([shorten("abcdef", 4), shorten("測定測定", 5), shorten("abc", 3)], ["abc…", "測定…", "abc"]);
  assertEquals(textWidth("e\u0301"), 1);
});

Deno.test("empty values are left out, further lines are indented", () => {
  assertEquals(keyValues([["a", "1\n2"], ["long", null], ["b", ""], ["cc", 0]]), "a   1\n    2\ncc  0\n");
});
