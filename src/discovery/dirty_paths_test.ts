import { assertEquals } from "../../tests/assert.ts";
import { dirtyPlaces } from "./dirty_paths.ts";
import type { FolderPlan } from "./folder_scan.ts";

const INFO = "_QH_dataset_info.yaml";

function withTree(paths: string[], work: (root: string) => void): void {
  const root = Deno.makeTempDirSync();
  try {
    for (const path of paths) {
      Deno.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      if (!path.endsWith("/")) Deno.writeTextFileSync(`${root}/${path}`, "x");
    }
    work(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function places(root: string, plan: Partial<FolderPlan>, ...paths: string[]) {
  const whole = { root, level: -1, single_file: false, name_pattern: null, ...plan };
  return dirtyPlaces(whole, paths.map((p) => p === "" ? root : `${root}/${p}`));
}

Deno.test("level -1: files lead to the nearest dataset around them, once", () =>
  withTree([`o/${INFO}`, "o/x/y.txt", `o/in/${INFO}`, "o/in/i.txt", "loose/l.txt"], (root) => {
    assertEquals(places(root, {}, "o/x/y.txt", "o/x/y.txt", "o/x/z.txt").look, ["o"]);
    assertEquals(places(root, {}, "o/in/i.txt"), { look: ["o/in"], gone: [], fresh: [] });
    assertEquals(places(root, {}, "loose/l.txt"), { look: [], gone: [], fresh: [] });
  }));

Deno.test("level -1: a new folder is looked at as a whole, and again later", () =>
  withTree(["new/deep/x.txt", `o/${INFO}`, "o/sub/x.txt"], (root) => {
    assertEquals(places(root, {}, "new", "new/deep"), { look: ["new"], gone: [], fresh: ["new"] });
    assertEquals(places(root, {}, "o/sub"), { look: ["o"], gone: [], fresh: ["o/sub"] });
  }));

Deno.test("level -1: an info file that comes or goes concerns its folder and the dataset around", () =>
  withTree([`o/${INFO}`, `o/in/${INFO}`, "o/was/x.txt"], (root) => {
    assertEquals(places(root, {}, `o/in/${INFO}`).look, ["o"], "the outer one, and with it the inner");
    assertEquals(places(root, {}, `o/was/${INFO}`), { look: ["o"], gone: ["o/was"], fresh: [] });
  }));

Deno.test("level n: the first n parts of a path are the item; folders above are scanned; gone is gone", () =>
  withTree(["day/run/a/b.txt", "day/file.txt"], (root) => {
    const plan = { level: 2 };
    assertEquals(places(root, plan, "day/run/a/b.txt").look, ["day/run"]);
    assertEquals(places(root, plan, "day"), { look: ["day"], gone: [], fresh: ["day"] });
    assertEquals(places(root, plan, "gone/run/x.txt", "gone"), { look: [], gone: ["gone"], fresh: [] });
    assertEquals(places(root, plan, "day/run 2/x.txt").gone, ["day/run 2"]);
    assertEquals(places(root, { level: 2, single_file: true }, "day/file.txt", "day/run/a").look, [
      "day/file.txt",
    ]);
    assertEquals(places(root, plan, "").look, [""]);
  }));

Deno.test("hidden entries lead nowhere, except inside of Zarr stores; paths outside of the root neither", () =>
  withTree([`d/${INFO}`, "d/.hidden/x", "d/.QH_manifest.yaml", "d/s.zarr/.zattrs", ".git/x"], (root) => {
    assertEquals(places(root, {}, "d/.hidden/x", "d/.QH_manifest.yaml", ".git/x", "d/.gone"), {
      look: [],
      gone: [],
      fresh: [],
    });
    assertEquals(places(root, {}, "d/s.zarr/.zattrs").look, ["d"]);
    const plan = { root: `${root}/d`, level: 1, single_file: false, name_pattern: null };
    assertEquals(dirtyPlaces(plan, [`${root}/other/x`, `${root}/d2/x`]).look, []);
  }));
