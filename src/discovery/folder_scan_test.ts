import { assert, assertEquals, assertNotEquals, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { type FolderPlan, lookAtItem, type ScanEvent, scanFolder } from "./folder_scan.ts";

const INFO = "_QH_dataset_info.yaml";

/** A tree of files (path → content; a path ending in "/" is an empty folder) in a temporary folder. */
function withTree(files: Record<string, string>, work: (root: string) => void): void {
  const root = Deno.makeTempDirSync();
  try {
    for (const [path, content] of Object.entries(files)) write(root, path, content);
    work(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function write(root: string, path: string, content: string): void {
  Deno.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  if (!path.endsWith("/")) Deno.writeTextFileSync(`${root}/${path}`, content);
}

const plan = (root: string, patch: Partial<FolderPlan> = {}): FolderPlan => ({
  root,
  level: -1,
  single_file: false,
  name_pattern: null,
  ...patch,
});
const items = (events: Iterable<ScanEvent>) =>
  [...events].flatMap((e) => e.kind === "item" ? [e.identifier] : []);
const unmatched = (events: Iterable<ScanEvent>) =>
  [...events].flatMap((e) => e.kind === "unmatched" ? [`${e.path}: ${e.reason}`] : []);

Deno.test("level -1: every folder with an info file is an item, nested ones too; the rest is unmatched", () => {
  withTree({
    [`a/${INFO}`]: "",
    "a/x.txt": "1",
    [`a/in/deep/${INFO}`]: "",
    [`b/c/${INFO}`]: "",
    "b/loose.txt": "1",
    ".git/config": "1",
  }, (root) => {
    assertEquals(items(scanFolder(plan(root))), ["a", "a/in/deep", "b/c"]);
    assertEquals(unmatched(scanFolder(plan(root))), [".git: hidden", "b/loose.txt: no_info_file"]);
  });
});

Deno.test("level -1: the root itself can be the dataset", () => {
  withTree({ [INFO]: "", "x.txt": "1" }, (root) => assertEquals(items(scanFolder(plan(root))), ["."]));
});

Deno.test("a file of a nested dataset changes the fingerprint of the nested one alone", () => {
  withTree({ [`o/${INFO}`]: "", "o/o.txt": "1", [`o/i/${INFO}`]: "", "o/i/i.txt": "1" }, (root) => {
    const look = () => ["o", "o/i"].map((i) => lookAtItem(plan(root), i)?.fingerprint);
    const [outer, inner] = look();
    write(root, "o/i/i.txt", "22");
    const [outer2, inner2] = look();
    assertEquals(outer2, outer);
    assertNotEquals(inner2, inner);
  });
});

Deno.test("what never counts: hidden entries; what does: content, mtime, renames, link targets, the inside of stores", () => {
  withTree({ [`d/${INFO}`]: "", "d/x.txt": "1", "d/s.zarr/.zgroup": "{}", "target.txt": "1" }, (root) => {
    Deno.symlinkSync("../target.txt", `${root}/d/link.txt`);
    let last = lookAtItem(plan(root), "d")?.fingerprint;
    const changes = () => {
      const now = lookAtItem(plan(root), "d")?.fingerprint;
      const changed = now !== last;
      last = now;
      return changed;
    };
    write(root, "d/.QH_manifest.yaml", "x");
    assertEquals(changes(), false, "hidden file");
    write(root, "d/x.txt", "22");
    assertEquals(changes(), true, "content");
    Deno.utimeSync(`${root}/d/x.txt`, 1, 1);
    assertEquals(changes(), true, "mtime set back");
    Deno.renameSync(`${root}/d/x.txt`, `${root}/d/y.txt`);
    assertEquals(changes(), true, "rename");
    write(root, "target.txt", "22");
    assertEquals(changes(), true, "target of a link");
    write(root, "d/s.zarr/.zgroup", "{ }");
    assertEquals(changes(), true, "hidden file inside a store");
    assertEquals(changes(), false, "nothing");
  });
});

Deno.test("level n: folders at that depth, everything else unmatched with its reason", () => {
  withTree({
    "2024/a/x": "1",
    "2024/b/": "",
    "2024/stray.txt": "1",
    "top.txt": "1",
    ".h/a/": "",
    "2024/.c/": "",
  }, (root) => {
    assertEquals(items(scanFolder(plan(root, { level: 2 }))), ["2024/a", "2024/b"]);
    assertEquals(unmatched(scanFolder(plan(root, { level: 2 }))), [
      ".h: hidden",
      "2024/.c: hidden",
      "2024/stray.txt: too_shallow",
      "top.txt: too_shallow",
    ]);
    assertEquals(
      unmatched(scanFolder(plan(root, { level: 2, name_pattern: "/a$" }))).includes("2024/b: name_pattern"),
      true,
    );
    assertEquals(items(scanFolder(plan(root, { level: 2, single_file: true }))), ["2024/stray.txt"]);
  });
});

Deno.test("a missing root is the source's error", () => {
  const e = assertThrows(() => [...scanFolder(plan("/nowhere/at/all"))]);
  assert(e instanceof SyncError && e.class === "source" && e.code === "root_missing");
});

Deno.test("names on disk in another normalization get an NFC identifier that still finds them", () => {
  const decomposed = "e\u0301tude";
  withTree({ [`${decomposed}/${INFO}`]: "" }, (root) => {
    const event = [...scanFolder(plan(root))].find((e) => e.kind === "item");
    assert(event?.kind === "item");
    assertEquals(event.identifier, "\u00e9tude");
    assert(lookAtItem(plan(root), event.path ?? event.identifier) !== undefined);
    write(root, `\u00e9tude/${INFO}`, "");
    assertEquals(items(scanFolder(plan(root))).length, 2, "two folders stay two items");
    assertEquals(new Set(items(scanFolder(plan(root)))).size, 2);
  });
});
