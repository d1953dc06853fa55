import { assertEquals } from "../../../tests/assert.ts";
import { type FileSystemRules, localPaths } from "./local_names.ts";

const LINUX: FileSystemRules = { windows: false, ignoresCase: false };
const WINDOWS: FileSystemRules = { windows: true, ignoresCase: true };

const paths = (pairs: [name: string, filename: string][], rules = LINUX) =>
  localPaths(pairs.map(([name, filename]) => ({ name, filename })), rules);

Deno.test("the real suffix is added where the logical name has none, and only there", () => {
  assertEquals(
    paths([
      ["measurement", "measured_data.hdf5"],
      ["files/data.hdf5", "data.hdf5"],
      ["UPPER.CSV", "upper.csv"],
      ["v1.2", "x.json"],
      ["__thumbnail_0", "plot.jpg"],
      ["LICENSE", "LICENSE"],
      ["üñí/x y", "q.txt"],
    ]),
    [
      "measurement.hdf5",
      "files/data.hdf5",
      "UPPER.CSV",
      "v1.2.json",
      "__thumbnail_0.jpg",
      "LICENSE",
      "üñí/x y.txt",
    ],
  );
});

Deno.test("no name leads out of the folder", () => {
  const hostile: [string, string][] = [
    ["../../etc/passwd", "passwd"],
    ["/etc/passwd", "passwd"],
    ["a/./../b", "b"],
    ["..", ".."],
    ["a\0b", "ab"],
  ];
  assertEquals(paths(hostile), ["__/__/etc/passwd", "_/etc/passwd", "a/_/__/b", "__ (2)", "a_b"]);
  assertEquals(paths([["..\\..\\x", "x"], ["C:\\x", "x"]], WINDOWS), [".._.._x", "C__x"]);
});

Deno.test("names that fall together step aside; one that keeps its logical name stays", () => {
  assertEquals(paths([["m", "a.hdf5"], ["m.hdf5", "b.hdf5"]]), ["m (2).hdf5", "m.hdf5"]);
  assertEquals(paths([["a", "a"], ["a/b", "b"]]), ["a (2)", "a/b"]);
  assertEquals(paths([["Data.txt", "x.txt"], ["data.txt", "x.txt"]]), ["Data.txt", "data.txt"]);
  assertEquals(paths([["Data.txt", "x.txt"], ["data.txt", "x.txt"]], WINDOWS), ["Data.txt", "data (2).txt"]);
});

Deno.test("names that Windows cannot have are changed there, and kept elsewhere", () => {
  const names: [string, string][] = [["a:b?.txt", "x.txt"], ["con.txt", "x.txt"], ["dir. /x", "x"]];
  assertEquals(paths(names, WINDOWS), ["a_b_.txt", "_con.txt", "dir__/x"]);
  assertEquals(paths(names), ["a:b?.txt", "con.txt", "dir. /x"]);
});

Deno.test("names too long for a file system are cut, suffix kept", () => {
  const [path = ""] = paths([["ü".repeat(200) + ".hdf5", "x.hdf5"]]);
  assertEquals([new TextEncoder().encode(path).length <= 240, path.endsWith("ü.hdf5")], [true, true]);
});
