import { assertEquals, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "./errors.ts";
import { logicalName, uniqueByName } from "./logical_name.ts";

Deno.test("names are / separated on every OS, and NFC", () => {
  assertEquals(logicalName("dir1\\a.txt", true), "dir1/a.txt");
  assertEquals(logicalName("odd\\name.txt", false), "odd\\name.txt");
  assertEquals(logicalName("e\u0301.txt", false), "\u00e9.txt");
});

Deno.test("names that leave the dataset are refused", () => {
  for (const bad of ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/.", "a/"]) {
    const e = assertThrows(() => logicalName(bad, false));
    assertEquals(e instanceof SyncError && e.code, "file_name_invalid", bad);
  }
  for (const bad of ["C:\\a", "..\\a", "\\\\server\\a"]) assertThrows(() => logicalName(bad, true));
});

Deno.test("two files of one name: the NFC one stays, the second is a data problem naming both", () => {
  const nfd = { name: "\u00e9", path: "/d/e\u0301" };
  const nfc = { name: "\u00e9", path: "/d/\u00e9" };
  const other = { name: "A", path: "/d/A" };
  const lower = { name: "a", path: "/d/a" };
  const { kept, problems } = uniqueByName([nfd, lower, nfc, other]);
  assertEquals(kept, [other, lower, nfc]);
  assertEquals(problems.map((p) => [p.class, p.code]), [["data", "duplicate_file_name"]]);
  assertEquals(problems[0]!.message.includes(nfd.path) && problems[0]!.message.includes(nfc.path), true);
});
