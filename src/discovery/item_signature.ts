/**
 * A cheap way to recognise an item that has not changed since the last look: no exact stats, no cryptographic hash.
 * A signature only ever says "as before"; what changed is told by the digest.
 */
import type { FileSystem } from "../env.ts";
import { type Steps, walkItem } from "./item_walk.ts";

type SignedFiles = Pick<FileSystem, "readDirSync" | "lstatSync" | "statSync">;

/**
 * Deno's stat tells mtimes in ms: an input that changed this shortly before the look, ms, could change again without a
 * trace, so that its signature is not trusted. FAT tells 2 s.
 */
const RACY_MS = 3000;

export interface ItemSignature {
  /** 53 bits over names, sizes, times and file ids; 0: not to be trusted. */
  signature: number;
  nested: string[];
  unreadable: string[];
}

/** What a signature knows of a file; `file_id` and times as in ExactStat. */
export interface SignedStat {
  size: number;
  mtime_ms: number;
  ctime_ms?: number;
  file_id: string;
}

/** Signature of a folder, in steps. @param now wall clock at the look, ms */
export function* signFolder(
  path: string,
  nestedDatasets: boolean,
  now: number,
  fs: SignedFiles = Deno,
): Steps<ItemSignature> {
  const sum = new SignatureSum(now);
  const result: ItemSignature = { signature: 0, nested: [], unreadable: [] };
  yield* walkItem(fs, path, { nestedDatasets }, {
    leaf: (relative, leaf, isLink) => sum.add(relative, quietStat(leaf, isLink, fs)),
    unreadable: (relative) => result.unreadable.push(relative),
    nested: (relative) => result.nested.push(relative),
  });
  if (result.unreadable.length === 0) result.signature = sum.value;
  return result;
}

/** Signature of a single file; 0 when it cannot be told. */
export function signFile(path: string, now: number, fs: SignedFiles = Deno): number {
  const stat = quietStat(path, true, fs);
  if (stat === null) return 0;
  const sum = new SignatureSum(now);
  sum.add("", stat);
  return sum.value;
}

/** Two 32-bit sums (FNV-1a and a relative of it) over everything that is added, in its order. */
export class SignatureSum {
  #a = 0x811c9dc5;
  #b = 0x01234567;
  #trusted = true;

  /** @param now wall clock before the first stat, ms */
  constructor(private readonly now: number) {}

  /** @param stat null: there is no file behind this name */
  add(name: string, stat: SignedStat | null): void {
    this.#text(name);
    if (stat === null) return this.#mix(1);
    const { mtime_ms, ctime_ms } = stat;
    // Without a time that no program can set back an unchanged mtime proves too little (Windows).
    if (ctime_ms === undefined || Math.max(mtime_ms, ctime_ms) > this.now - RACY_MS) this.#trusted = false;
    else this.#number(Math.floor(ctime_ms / 1000));
    this.#number(mtime_ms);
    this.#number(stat.size);
    this.#text(stat.file_id);
  }

  /** 53 bits; 0: not to be trusted. */
  get value(): number {
    return this.#trusted ? (this.#a >>> 0) * 2 ** 21 + (this.#b >>> 11) || 1 : 0;
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#mix(text.length);
  }

  #number(value: number): void {
    this.#mix(value | 0);
    this.#mix(Math.floor(value / 2 ** 32));
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193);
    // The second sum must not be a function of the first: another multiplier, and high bits moved down.
    this.#b = Math.imul(this.#b ^ word ^ (this.#b >>> 15), 0x85ebca6b);
  }
}

function quietStat(path: string, follow: boolean, fs: SignedFiles): SignedStat | null {
  try {
    const stat = follow ? fs.statSync(path) : fs.lstatSync(path);
    if (!stat.isFile || stat.mtime === null) return null;
    const signed = {
      size: stat.size,
      mtime_ms: stat.mtime.getTime(),
      file_id: `${stat.dev}:${stat.ino}`,
    };
    return stat.ctime === null ? signed : { ...signed, ctime_ms: stat.ctime.getTime() };
  } catch {
    return null;
  }
}
