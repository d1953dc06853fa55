/** Runs a command under strace and reads back its system calls that could change or lock a file. */
import { join } from "node:path";

/** Everything that takes a path or changes, locks or maps what a descriptor stands for; `?`: not on every machine. */
const TRACED = "?%file,?write,?pwrite64,?writev,?pwritev,?pwritev2,?ftruncate,?fallocate,?fchmod,?fchown," +
  "?fsetxattr,?fremovexattr,?flock,?fcntl,?ioctl,?mmap,?fsync,?fdatasync,?sync_file_range,?copy_file_range," +
  "?sendfile,?splice,?fchdir,?open_by_handle_at,?io_uring_setup";

/** One system call as strace prints it. */
export interface SystemCall {
  name: string;
  /** As printed, split at the commas of the top level. */
  args: string[];
  /** Number, with the path of a returned descriptor; empty for a call that never returned. */
  result: string;
  /** The whole line. */
  line: string;
}

/** Why system calls cannot be traced on this machine; undefined when they can. */
export async function whyNotTraceable(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "strace is for Linux";
  try {
    const probe = await new Deno.Command("strace", {
      args: ["-f", "--seccomp-bpf", "-y", "-o", "/dev/null", "-e", "trace=?%file", "true"],
      stderr: "piped",
    }).output();
    return probe.success ? undefined : `strace: ${new TextDecoder().decode(probe.stderr).trim()}`;
  } catch {
    return "no strace";
  }
}

/** Arguments of `strace` that put one file a thread, with the calls in order, into an existing folder. */
export function straceArgs(folder: string, command: readonly string[]): string[] {
  return ["-ff", "--seccomp-bpf", "-y", "-s", "0", "-o", join(folder, "thread"), "-e", `trace=${TRACED}`]
    .concat(command);
}

/**
 * All calls of all threads, thread by thread.
 * @throws Error for a line that cannot be understood: a trace that is half read proves nothing
 */
export function* systemCalls(folder: string): Generator<SystemCall> {
  for (const { name } of Deno.readDirSync(folder)) {
    for (const line of Deno.readTextFileSync(join(folder, name)).split("\n")) {
      // Signals and ends of processes.
      if (line === "" || line.startsWith("---") || line.startsWith("+++")) continue;
      // A thread that ended with its process before it could call anything.
      if (/^\?\?\?\(\)\s+= \?$/.test(line)) continue;
      yield parseCall(line);
    }
  }
}

/** @throws Error for a line that is no system call */
export function parseCall(line: string): SystemCall {
  const head = /^(\w+)\(/.exec(line);
  if (!head) throw new Error(`no system call: ${line}`);
  const [args, end] = splitArguments(line, head[0].length);
  const result = /^\)?\s*(?:<unfinished \.\.\.>(?:\)\s+= \?)?|= (.*))?$/.exec(line.slice(end));
  if (!result) throw new Error(`no result: ${line}`);
  return { name: head[1] ?? "", args, result: result[1] ?? "", line };
}

/** Splits from `start` to the bracket that closes the call. @returns the arguments and where they end */
function splitArguments(line: string, start: number): [string[], number] {
  const args: string[] = [];
  let [depth, from, at] = [0, start, start];
  for (; at < line.length; at++) {
    const c = line[at];
    if (c === '"') at = endOfString(line, at);
    // A descriptor's path; `>` inside one is printed as an octal escape.
    else if (c === "<" && /[\dD]/.test(line[at - 1] ?? "")) at = line.indexOf(">", at);
    else if (c === "(" || c === "[" || c === "{") depth++;
    else if (c === ")" && depth === 0 || line.startsWith("<unfinished", at)) break;
    else if (c === ")" || c === "]" || c === "}") depth--;
    else if (c === "," && depth === 0) {
      args.push(line.slice(from, at).trim());
      from = at + 1;
    }
  }
  const last = line.slice(from, at).trim();
  return [last === "" ? args : [...args, last], at];
}

/** Index of the closing quote of the string that begins at `start`. */
function endOfString(line: string, start: number): number {
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === '"') return at;
  }
  throw new Error(`a string without an end: ${line}`);
}

/** Undoes the escapes of a printed path. */
export function unescapePath(text: string): string {
  const bytes: number[] = [];
  const named: Record<string, number> = { n: 10, t: 9, r: 13, v: 11, f: 12 };
  for (const [part, octal, letter] of text.matchAll(/\\([0-7]{1,3})|\\(.)|[^\\]+/gs)) {
    if (octal !== undefined) bytes.push(parseInt(octal, 8));
    else if (letter !== undefined) bytes.push(named[letter] ?? letter.charCodeAt(0));
    else bytes.push(...new TextEncoder().encode(part));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
