/** The look for touched files sees every way to touch one. */
import { join } from "node:path";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { touchesBelow } from "./source_touches.ts";
import { parseCall, straceArgs, systemCalls, whyNotTraceable } from "./strace.ts";

const CWD = "/somewhere";
/** What one line of a trace touches below `/data`. */
const touched = (line: string): string[] =>
  touchesBelow([parseCall(line)], "/data", CWD).flatMap((t) => t.paths);

Deno.test("lines of a trace are taken apart, whatever stands in names and structures", () => {
  const call = parseCall(
    'utimensat(AT_FDCWD</a, b>, "\\303\\251 \\"(,\\".txt", [{tv_sec=1, tv_nsec=0}, {tv_sec=2, tv_nsec=0}], 0) = -1 EPERM (not (ever))',
  );
  assertEquals(call.args, [
    "AT_FDCWD</a, b>",
    '"\\303\\251 \\"(,\\".txt"',
    "[{tv_sec=1, tv_nsec=0}, {tv_sec=2, tv_nsec=0}]",
    "0",
  ]);
  assertEquals(call.result, "-1 EPERM (not (ever))");
  assertEquals(parseCall('write(3</x>, ""..., 5 <unfinished ...>').args.length, 3);
  assertEquals(parseCall("fcntl(3</x>, F_GETLK <unfinished ...>) = ?").args, ["3</x>", "F_GETLK"]);
  assertThrows(() => parseCall("what is this"));
});

Deno.test("reading, and what happens elsewhere, is no touch", () => {
  for (
    const line of [
      'openat(AT_FDCWD</somewhere>, "/data/a", O_RDONLY|O_CLOEXEC) = 3</data/a>',
      'openat(AT_FDCWD</somewhere>, "/data2/a", O_RDWR|O_CREAT, 0600) = 3</data2/a>',
      'stat("/data/a", {st_mode=S_IFREG|0644, st_size=5, ...}) = 0',
      "fcntl(3</data/a>, F_GETFD) = 0",
      "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</data/a>, 0) = 0x7f",
      "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE, 3</data/a>, 0) = 0x7f",
      'symlink("/data/a", "/elsewhere/link") = 0',
      "copy_file_range(3</data/a>, NULL, 4</home/a>, NULL, 5, 0) = 5",
    ]
  ) assertEquals(touched(line), [], line);
  assertEquals(touchesBelow([parseCall('unlink("/data/a") = 0')], "/dat", CWD), []);
  assertThrows(() => touchesBelow([], "/data", CWD));
});

Deno.test("changes and locks are touches, also by descriptor, through links, relative, or when they fail", () => {
  for (
    const [line, ...expected] of [
      ['openat(AT_FDCWD</data>, "a", O_WRONLY|O_CLOEXEC) = -1 EACCES (Permission denied)', "/data/a"],
      ['open("/link", O_RDWR) = 3</data/b>', "/data/b"],
      ['rename("/home/x", "../data/y") = 0', "/data/y"],
      ['linkat(AT_FDCWD</home>, "/data/a", AT_FDCWD</home>, "b", 0) = 0', "/data/a"],
      ['unlinkat(5</data/sub>, "a\\76b", 0) = 0', "/data/sub", "/data/sub/a>b"],
      ["utimensat(3</data/a>, NULL, NULL, 0) = 0", "/data/a"],
      ["ftruncate(3</data/a>, 0) = 0", "/data/a"],
      ["flock(3</data/a>, LOCK_SH) = 0", "/data/a"],
      ["fcntl(3</data/a>(deleted), F_SETLK, {l_type=F_RDLCK, l_whence=SEEK_SET}) = 0", "/data/a"],
      ["mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</data/a>, 0) = 0x7f", "/data/a"],
      ["ioctl(3</data/a>, BTRFS_IOC_CLONE or FICLONE, 4) = 0", "/data/a"],
      ["copy_file_range(3</home/a>, NULL, 4</data/a>, NULL, 5, 0) = 5", "/data/a"],
      ['symlink("/elsewhere", "/data/link") = 0', "/data/link"],
    ]
  ) assertEquals(touched(line ?? ""), expected, line);
});

Deno.test("a real program that does each of them is seen by a real trace", async () => {
  const reason = await whyNotTraceable();
  if (reason) return console.log(`not run: ${reason}`);
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    const [root, trace] = [join(dir, "data"), join(dir, "trace")];
    for (const folder of [root, trace]) await Deno.mkdir(folder);
    const script =
      'cd data; echo x > "ä a"; mv "ä a" b; chmod 600 b; touch b; flock b true; ln b c; rm b; cat c; ls';
    const { success } = await new Deno.Command("strace", {
      args: straceArgs(trace, ["sh", "-c", script]),
      cwd: dir,
      stdout: "null",
    }).output();
    assert(success);
    const calls = touchesBelow(systemCalls(trace), root, dir).map((t) => t.call.name);
    const seen = (...names: string[]) => assert(calls.some((c) => names.includes(c)), `${names} in ${calls}`);
    seen("write");
    seen("rename", "renameat", "renameat2");
    seen("fchmodat", "fchmodat2", "chmod");
    seen("utimensat");
    seen("flock");
    seen("link", "linkat");
    seen("unlink", "unlinkat");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
