/** The text of a manifest, which is YAML. */
import { stringify } from "yaml";
import type { UploadEntry } from "./sync_record.ts";

/** Longer keys have to be marked as such, characters (YAML 1.2.2, 7.4.2: 1024). */
const LONGEST_KEY = 1000;
/** What JSON leaves as it is, and YAML takes for no text or for the end of a line. */
const UNPRINTABLE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$/;

/**
 * Writes `files` by hand: of a dataset with hundreds of files, a library that lays out every text for reading takes as
 * long as many of their uploads.
 */
export function manifestText(
  head: Record<string, unknown>,
  files: Record<string, UploadEntry>,
  tail: Record<string, unknown>,
): string {
  const entries = Object.entries(files).map(([name, entry]) => `${key(name)}\n${members(entry)}`);
  return `${stringify(head)}files:${entries.length > 0 ? `\n${entries.join("")}` : " {}\n"}${
    stringify(tail)
  }`;
}

function key(name: string): string {
  const text = json(name);
  return text.length > LONGEST_KEY ? `  ? ${text}\n  :` : `  ${text}:`;
}

function members(entry: UploadEntry): string {
  return Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `    ${/^\w+$/.test(name) ? name : json(name)}: ${json(value)}\n`)
    .join("");
}

/** JSON is YAML, but for some characters, and for times, which are a type of their own to many readers of YAML. */
function json(value: unknown): string {
  if (typeof value === "string" && TIME.test(value)) return value;
  return JSON.stringify(value).replace(
    UNPRINTABLE,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
