/** Where the files of a dataset go on this computer's disk. */
import { extname } from "node:path";

export interface NamedFile {
  /** Logical name, `/` separated. */
  name: string;
  /** Bare real name with extension. */
  filename: string;
}

export interface FileSystemRules {
  /** Windows' rules for characters and reserved names. */
  windows: boolean;
  /** `a` and `A` are one name. */
  ignoresCase: boolean;
}

export const LOCAL_RULES: FileSystemRules = {
  windows: Deno.build.os === "windows",
  ignoresCase: Deno.build.os === "windows" || Deno.build.os === "darwin",
};

/**
 * A relative path for each file: its logical name, with the suffix of its real name when that is missing. Names that
 * this computer cannot have are changed, and so are those that would fall together; no path leads out of its folder.
 * @returns `/` separated paths in the order of `files`, all different
 */
export function localPaths(files: readonly NamedFile[], rules: FileSystemRules = LOCAL_RULES): string[] {
  const wanted = files.map((f) => safePath(withSuffix(f), rules));
  const key = (path: string) => rules.ignoresCase ? path.normalize("NFC").toLowerCase() : path;
  const folders = new Set(wanted.flatMap((p) => ancestors(p).map(key)));
  const taken = new Set<string>();
  const result: string[] = new Array(files.length).fill("");
  // Files that keep their logical name come first: it is the others that step aside.
  const order = files.map((_, i) => i).sort((a, b) =>
    Number(wanted[a] !== files[a]?.name) - Number(wanted[b] !== files[b]?.name)
  );
  for (const i of order) {
    const path = wanted[i] ?? "";
    let candidate = path;
    for (let n = 2; taken.has(key(candidate)) || folders.has(key(candidate)); n++) {
      candidate = numbered(path, n);
    }
    taken.add(key(candidate));
    result[i] = candidate;
  }
  return result;
}

/** `measurement` with the real name `measured_data.hdf5` → `measurement.hdf5`. */
function withSuffix({ name, filename }: NamedFile): string {
  const suffix = extname(filename);
  return name.toLowerCase().endsWith(suffix.toLowerCase()) ? name : name + suffix;
}

function safePath(name: string, rules: FileSystemRules): string {
  return name.split("/").map((part) => safePart(part, rules)).join("/");
}

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i;

function safePart(part: string, rules: FileSystemRules): string {
  let safe = part.replaceAll("\0", "_");
  if (rules.windows) {
    safe = safe.replace(/[<>:"|?*\\\p{Cc}]/gu, "_").replace(/[. ]+$/, (end) => "_".repeat(end.length));
    if (RESERVED.test(safe)) safe = `_${safe}`;
  }
  if (safe === "" || safe === "." || safe === "..") safe = "_".repeat(Math.max(1, safe.length));
  return shortened(safe);
}

const MAX_BYTES = 240;

/** Below what file systems allow (255 bytes), with room for a number and a temporary ending. */
function shortened(part: string): string {
  const encoder = new TextEncoder();
  if (encoder.encode(part).length <= MAX_BYTES) return part;
  const suffix = extname(part).slice(0, 20);
  let stem = part.slice(0, part.length - suffix.length);
  while (encoder.encode(stem + suffix).length > MAX_BYTES) stem = [...stem].slice(0, -1).join("");
  return stem + suffix;
}

function ancestors(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

function numbered(path: string, n: number): string {
  const suffix = extname(path);
  return `${path.slice(0, path.length - suffix.length)} (${n})${suffix}`;
}
