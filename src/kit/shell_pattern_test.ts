import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { compileShellPattern, isShellPattern } from "./shell_pattern.ts";

/** Pattern, path, and what Python's `fnmatch.fnmatchcase` says. */
const CASES = z.array(z.tuple([z.string(), z.string(), z.boolean()]));

Deno.test("patterns match exactly what Python's fnmatch matches", async () => {
  const file = new URL("../../tests/fixtures/folderbase/fnmatch.json", import.meta.url);
  const cases = CASES.parse(JSON.parse(await Deno.readTextFile(file)));
  assert(cases.length > 300 && cases.some((c) => c[2]) && cases.some((c) => !c[2]));
  for (const [pattern, path, expected] of cases) {
    assertEquals(compileShellPattern(pattern).matches(path), expected, `${pattern} on ${path}`);
  }
});

Deno.test("a folder is not entered when it matches or when everything in it would", () => {
  const folder = (pattern: string, path: string) => compileShellPattern(pattern).matchesFolder(path);
  for (const pattern of ["dir1/*", "dir1", "d*", "*", "*/", "dir1/", "dir?/*"]) {
    assertEquals(folder(pattern, "dir1"), true, pattern);
  }
  for (const pattern of ["dir1/*.txt", "dir1/a*", "dir", "*.text", "dir1?", "dir1[/]", "DIR1/*"]) {
    assertEquals(folder(pattern, "dir1"), false, pattern);
  }
  assertEquals(
    compileShellPattern("dir1/").matches("dir1"),
    false,
    "a pattern for folders leaves a file alone",
  );
});

Deno.test("names are compared in NFC", () => {
  assertEquals(compileShellPattern("e\u0301*").matches("\u00e9t\u00e9"), true);
});

Deno.test("a hostile pattern costs length times length at most", () => {
  const pattern = compileShellPattern("*a".repeat(2000) + "b");
  assertEquals(pattern.matches("a".repeat(4000)), false);
});

Deno.test("only *, ? and [ make a pattern", () => {
  assertEquals(["a*", "?", "[x", "a.png", "a]b!"].map(isShellPattern), [true, true, true, false, false]);
});
