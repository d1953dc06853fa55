/** Which system calls of a trace could change a file below a folder, or lock it so that its writer feels it. */
import { resolve } from "node:path";
import { type SystemCall, unescapePath } from "./strace.ts";

/** Calls that change what one of their paths or descriptors names. */
const CHANGING = new Set([
  ..."rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat link linkat chmod fchmodat fchmodat2"
    .split(" "),
  ..."chown lchown fchownat truncate utime utimes futimesat utimensat setxattr lsetxattr removexattr".split(
    " ",
  ),
  ..."lremovexattr mknod mknodat mount umount umount2 creat open_by_handle_at".split(" "),
]);
/** Calls that change or lock what their first descriptor stands for. */
const CHANGING_FIRST = new Set([
  ..."write pwrite64 writev pwritev pwritev2 ftruncate fallocate fchmod fchown fsetxattr fremovexattr flock"
    .split(" "),
  ..."fsync fdatasync sync_file_range sendfile".split(" "),
]);
const OPENS = new Set(["open", "openat", "openat2"]);
const FOR_WRITING = /\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b/;
const LOCKS = /^F_(OFD_)?SETLKW?(64)?$|^F_SETLEASE$|^F_SETSIG$/;
const CHANGING_IOCTL = /FICLONE|SETFLAGS|FSSETXATTR|FIDEDUPERANGE/;

/** A call that touched something, and what. */
export interface Touch {
  paths: string[];
  call: SystemCall;
}

/**
 * The calls that touch something below `root`, whether they succeeded or not.
 * @param root absolute, without links
 * @param cwd working folder of the traced command, for relative paths
 */
export function touchesBelow(calls: Iterable<SystemCall>, root: string, cwd: string): Touch[] {
  const all = [...calls];
  if (all.length === 0) throw new Error("the trace is empty");
  const folders = [
    cwd,
    ...all.filter((c) => c.name === "chdir" || c.name === "fchdir").flatMap((c) => paths(c, [cwd])),
  ];
  return all.flatMap((call) => {
    if (call.name === "io_uring_setup") {
      throw new Error(`calls through io_uring are not traced: ${call.line}`);
    }
    const touched = changed(call, folders).filter((p) => p === root || p.startsWith(`${root}/`));
    return touched.length > 0 ? [{ paths: touched, call }] : [];
  });
}

/** What the call changes or locks. */
function changed(call: SystemCall, cwd: readonly string[]): string[] {
  const { name, args } = call;
  if (OPENS.has(name)) {
    return args.some((a) => FOR_WRITING.test(a)) ? [...paths(call, cwd), ...annotated(call.result)] : [];
  }
  if (CHANGING.has(name)) return paths(call, cwd);
  // The text of a symbolic link is not touched, only the place of the link.
  if (name === "symlink" || name === "symlinkat") return paths({ ...call, args: args.slice(1) }, cwd);
  if (CHANGING_FIRST.has(name)) return annotated(args[0]);
  if (name === "copy_file_range" || name === "splice") return annotated(args[2]);
  if (name === "fcntl") return LOCKS.test(args[1] ?? "") ? annotated(args[0]) : [];
  if (name === "ioctl") return CHANGING_IOCTL.test(args[1] ?? "") ? annotated(args[0]) : [];
  if (name === "mmap") {
    const shared = args[3]?.includes("MAP_SHARED") && args[2]?.includes("PROT_WRITE");
    return shared ? annotated(args[4]) : [];
  }
  return [];
}

/** Every path that a call names, by text or by descriptor. */
function paths(call: SystemCall, cwd: readonly string[]): string[] {
  const found: string[] = [];
  let folders = cwd;
  for (const arg of call.args) {
    const text = /^"(.*)"(\.\.\.)?$/s.exec(arg)?.[1];
    const named = annotated(arg);
    if (text !== undefined) found.push(...folders.map((f) => resolve(f, unescapePath(text))));
    if (named.length > 0) {
      found.push(...named.filter(() => !arg.startsWith("AT_FDCWD")));
      folders = named;
    }
  }
  return found;
}

/** The path in `3</some/path>`. */
function annotated(text: string | undefined): string[] {
  const path = /^(?:\d+|AT_FDCWD)<(\/.*?)>(\(deleted\))?/s.exec(text ?? "")?.[1];
  return path === undefined ? [] : [unescapePath(path)];
}
