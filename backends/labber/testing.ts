/** Helpers of the tests in this folder. */
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "../../tests/assert.ts";
import type { DatasetDraft, FileDraft } from "../../src/kit/drafts.ts";
import labber from "./mod.ts";

const fixtures = (name: string) => fileURLToPath(new URL(`../../tests/fixtures/${name}/`, import.meta.url));

/** Logs in the layout of Labber 1.8.6. */
export const LABBER = fixtures("labber");
/** Further ones, made by tests/python/make_labber_cases.py. */
export const MORE = fixtures("labber_more");
export const DATA = "Labber_Data";

/** A clock far behind the files of a test: nothing counts as freshly written. */
export const LATER = Date.now() + 3_600_000;

export interface Folder {
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Removed again by `await using`. */
export async function tempFolder(): Promise<Folder> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "labber_" }));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Relative paths of all files below a folder, sorted. */
export function filesBelow(root: string, path = ""): string[] {
  return [...Deno.readDirSync(join(root, path))].flatMap(({ name, isDirectory }) => {
    const inner = path === "" ? name : `${path}/${name}`;
    return isDirectory ? filesBelow(root, inner) : [inner];
  }).sort();
}

/** Paths of the items below a root, as discovery finds them. */
export function logsBelow(root: string): string[] {
  const pattern = new RegExp(labber.name_pattern?.source ?? "$.", "u");
  return filesBelow(root).filter((path) => pattern.test(path) && !basename(path).startsWith("."));
}

/** Reads a log as the agent does; `staging` exists and keeps the files made. */
export async function readLog(
  root: string,
  identifier: string,
  staging: string,
  now = LATER,
): Promise<DatasetDraft> {
  const config = { labber_directory: root, set_up: "fridge" };
  const result = await labber.read(config, { identifier, path: join(root, identifier) }, {
    staging,
    version: "0",
    converters: [],
    timeZone: "Europe/Amsterdam",
    newest: false,
    now,
  });
  assert("draft" in result);
  return result.draft;
}

/** A source with one log of these bytes, written `age` ms before `LATER`. */
export async function withLog(
  bytes: Uint8Array,
  age: number,
  body: (source: { root: string; identifier: string; path: string; staging: string }) => Promise<void>,
): Promise<void> {
  await using temp = await tempFolder();
  const [root, staging] = [join(temp.path, "data"), join(temp.path, "staging")];
  const identifier = "2024/06/Data_0601/log.hdf5";
  const path = join(root, identifier);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.mkdir(staging);
  await Deno.writeFile(path, bytes);
  await Deno.utime(path, new Date(LATER - age), new Date(LATER - age));
  await body({ root, identifier, path, staging });
}

export function fileOf(draft: DatasetDraft, name: string): FileDraft {
  const file = draft.files.find((f) => f.name === name);
  assert(file, `${name} is not among ${draft.files.map((f) => f.name)}`);
  return file;
}
