import { join } from "node:path";
import { assert, assertEquals, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "./errors.ts";
import { type FolderWalk, walkFolder, type WalkOptions } from "./folder_walk.ts";
import { compileShellPattern } from "./shell_pattern.ts";

const posix = Deno.build.os !== "windows";

async function withFolder(fn: (root: string) => void | Promise<void>) {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await fn(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function put(root: string, ...names: string[]) {
  for (const name of names) {
    Deno.mkdirSync(join(root, name, ".."), { recursive: true });
    Deno.writeTextFileSync(join(root, name), name);
  }
}

function walk(folder: string, options: Partial<WalkOptions> = {}): FolderWalk {
  return walkFolder(folder, { root: folder, infoFile: "info.yaml", nested: true, ...options });
}

const names = (entries: { name: string }[]) => entries.map((e) => e.name);

Deno.test("files are found at every depth; hidden entries and info files are not files", () =>
  withFolder((root) => {
    put(
      root,
      "b.txt",
      "a/x.txt",
      "a/.hidden",
      ".git/config",
      "info.yaml",
      "a/info.yaml.bak",
      "c/info.yaml/d",
    );
    const { files, skips, problems } = walk(root);
    assertEquals(names(files), ["a/info.yaml.bak", "a/x.txt", "b.txt", "c/info.yaml/d"]);
    assertEquals([skips, problems], [[], []]);
    assertEquals(files[1]!.path, join(root, "a/x.txt"));
    assertEquals(files[1]!.size, 7);
  }));

Deno.test("a file belongs to the nearest dataset only", () =>
  withFolder((root) => {
    put(root, "o.txt", "in/info.yaml", "in/i.txt", "in/deep/d.txt", "x.zarr/info.yaml", "x.zarr/0");
    const isStore = (name: string) => name.endsWith(".zarr");
    assertEquals(names(walk(root, { isStore }).files), ["o.txt"]);
    assertEquals(names(walk(root, { isStore }).stores), []);
    assertEquals(names(walk(join(root, "in"), { root }).files), ["deep/d.txt", "i.txt"]);
    const flat = walk(root, { nested: false, isStore });
    assertEquals(names(flat.files), ["in/deep/d.txt", "in/i.txt", "o.txt"]);
    assertEquals(names(flat.stores), ["x.zarr"]);
  }));

Deno.test("skipped folders are recorded once and not entered", () =>
  withFolder((root) => {
    put(root, "keep.txt", "junk/a.txt", "d/cache/b.txt", "d/c.tmp", "tmp/x");
    const skip = ["junk", "*/cache", "*.tmp", "tmp/*"].map(compileShellPattern);
    const { files, skips } = walk(root, { skip });
    assertEquals(names(files), ["keep.txt"]);
    assertEquals(skips, [
      { path: "d/c.tmp", reason: "skip_pattern", rule: "skip: *.tmp" },
      { path: "d/cache", reason: "skip_pattern", rule: "skip: */cache" },
      { path: "junk", reason: "skip_pattern", rule: "skip: junk" },
      { path: "tmp", reason: "skip_pattern", rule: "skip: tmp/*" },
    ]);
  }));

Deno.test({
  name: "links: read through inside the root, left out with a reason otherwise",
  ignore: !posix,
  fn: () =>
    withFolder((root) => {
      const outside = Deno.makeTempDirSync();
      const twin = Deno.makeTempDirSync({ dir: join(root, ".."), prefix: root.split("/").at(-1) });
      try {
        put(outside, "secret");
        put(twin, "neighbour");
        put(root, "set/real.txt", "other/far.txt");
        Deno.utimeSync(join(root, "other/far.txt"), 1000, 1000);
        const link = (target: string, name: string) => Deno.symlinkSync(target, join(root, "set", name));
        link("real.txt", "near");
        link("../other/far.txt", "far");
        link("near", "chain");
        link(join(outside, "secret"), "out");
        link(join(twin, "neighbour"), "twin"); // its path begins with the root's, without lying in it
        link("gone", "dangling");
        link("self", "self");
        link("..", "loop");
        link("/dev/null", "device");
        const { files, skips, problems } = walk(join(root, "set"), { root });
        assertEquals(names(files), ["chain", "far", "near", "real.txt"]);
        assertEquals(files[1], { path: join(root, "set/far"), name: "far", size: 13, mtime: 1_000_000 });
        assertEquals(skips, [
          { path: "dangling", reason: "symlink_dangling", rule: "D4" },
          { path: "device", reason: "symlink_outside_root", rule: "D4" },
          { path: "loop", reason: "symlink_directory", rule: "D4" },
          { path: "out", reason: "symlink_outside_root", rule: "D4" },
          { path: "self", reason: "symlink_dangling", rule: "D4" },
          { path: "twin", reason: "symlink_outside_root", rule: "D4" },
        ]);
        assertEquals(problems, []);
      } finally {
        Deno.removeSync(outside, { recursive: true });
        Deno.removeSync(twin, { recursive: true });
      }
    }),
});

Deno.test({
  name: "pipes and sockets are never opened",
  ignore: !posix,
  fn: () =>
    withFolder(async (root) => {
      // Opening a pipe without a writer would block for ever.
      await new Deno.Command("mkfifo", { args: [join(root, "pipe")] }).output();
      Deno.symlinkSync("pipe", join(root, "to_pipe"));
      const socket = Deno.listen({ transport: "unix", path: join(root, "socket") });
      const { files, skips } = walk(root);
      socket.close();
      assertEquals(files, []);
      assertEquals(skips, ["pipe", "socket", "to_pipe"].map((path) => ({ path, reason: "special_file" })));
    }),
});

Deno.test({
  name: "two spellings of one letter: the second file is reported, a name that is not UTF-8 too",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (root) => {
      put(root, "e\u0301.txt", "\u00e9.txt", "E.txt", "e.txt");
      await new Deno.Command("sh", { args: ["-c", `touch "$0/$(printf 'bad\\377.txt')"`, root] }).output();
      const { files, problems } = walk(root);
      assertEquals(files.map((f) => f.name), ["E.txt", "e.txt", "\u00e9.txt"]);
      assertEquals(files[2]!.path, join(root, "\u00e9.txt"));
      assertEquals(problems.map((p) => p.code), ["file_name_not_utf8", "duplicate_file_name"]);
    }),
});

Deno.test({
  name: "an unreadable subfolder is a problem of the dataset, its other files are found",
  ignore: !posix,
  fn: () =>
    withFolder(async (root) => {
      put(root, "ok.txt", "locked/a.txt");
      Deno.chmodSync(join(root, "locked"), 0o000);
      // The superuser may read everything, so another account has to look.
      const result = Deno.uid() === 0 ? await walkAs(65534, root) : walk(root);
      Deno.chmodSync(join(root, "locked"), 0o700);
      assertEquals(names(result.files), ["ok.txt"]);
      assertEquals(result.problems.map((p) => [p.code, p.class]), [["unreadable", "data"]]);
      assert(result.problems[0]!.message.includes("locked"));
    }),
});

/** Runs the walk under another user id, from a copy of the kit that this user can read. */
async function walkAs(uid: number, root: string): Promise<FolderWalk> {
  const code = await Deno.makeTempDir();
  try {
    for (
      const file of [
        "folder_walk.ts",
        "drafts.ts",
        "errors.ts",
        "file_failures.ts",
        "logical_name.ts",
        "shell_pattern.ts",
      ]
    ) {
      await Deno.copyFile(new URL(file, import.meta.url), join(code, file));
    }
    await Deno.writeTextFile(
      join(code, "main.ts"),
      `import { walkFolder } from "./folder_walk.ts";
       console.log(JSON.stringify(walkFolder(${JSON.stringify(root)},
         { root: ${JSON.stringify(root)}, infoFile: "info.yaml", nested: true })));`,
    );
    for (const path of [code, root]) await Deno.chmod(path, 0o777);
    await Deno.copyFile(Deno.execPath(), join(code, "deno"));
    await Deno.chmod(join(code, "deno"), 0o755);
    const { success, stdout, stderr } = await new Deno.Command(join(code, "deno"), {
      args: ["run", "--no-config", "--no-check", "-A", join(code, "main.ts")],
      env: { DENO_DIR: join(code, "cache"), HOME: code },
      cwd: code,
      uid,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(code, { recursive: true });
  }
}

Deno.test("a deep and a wide folder", () =>
  withFolder((root) => {
    const deep = Array.from({ length: 600 }, () => "d").join("/");
    put(root, `${deep}/end.txt`);
    Deno.mkdirSync(join(root, "wide"));
    for (let i = 0; i < 5000; i++) Deno.writeTextFileSync(join(root, "wide", `f${i}`), "");
    const { files } = walk(root);
    assertEquals(files.length, 5001);
    assertEquals(files[0]!.name, `${deep}/end.txt`);
  }));

Deno.test("a missing folder is busy, a missing root is an error of the source", () =>
  withFolder((root) => {
    const code = (fn: () => unknown) => {
      const e = assertThrows(fn);
      return e instanceof SyncError && [e.class, e.code];
    };
    assertEquals(code(() => walk(join(root, "gone"), { root })), ["busy", "item_missing"]);
    assertEquals(code(() => walk(root, { root: join(root, "gone") })), ["source", "root_missing"]);
  }));
