/** Helpers of the tests in this folder. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "../../tests/assert.ts";
import { copyFolder } from "../../tests/convert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { assertNetcdfEqual } from "../../tests/netcdf_equal.ts";
import type { DatasetDraft } from "../../src/kit/drafts.ts";
import quantify from "./mod.ts";

export const FIXTURES = fileURLToPath(new URL("../../tests/fixtures/quantify/", import.meta.url));
export const TUID = "20241105-141845-362-b0fd56";

/** A clock far behind the files of a test: nothing counts as freshly written. */
export const LATER = Date.now() + 3_600_000;

export interface Folder {
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Removed again by `await using`. */
export async function tempFolder(): Promise<Folder> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "quantify_" }));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A source with one container of these files: text, bytes, or what is copied from this path among the fixtures. */
export async function withContainer(
  name: string,
  files: Record<string, string | Uint8Array | { fixture: string }>,
  body: (source: { root: string; relative: string; folder: string }) => Promise<void>,
): Promise<void> {
  await using temp = await tempFolder();
  const root = join(temp.path, "data");
  const relative = `20241105/${name}`;
  const folder = join(root, relative);
  await Deno.mkdir(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    const path = join(folder, file);
    await Deno.mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else if (content instanceof Uint8Array) await Deno.writeFile(path, content);
    else await Deno.copyFile(join(FIXTURES, content.fixture), path);
  }
  await body({ root, relative, folder });
}

export interface ReadOptions {
  config?: Record<string, unknown>;
  timeZone?: string;
  now?: number;
}

/** Reads a container as the agent does; `staging` exists and keeps the files made. */
export async function readContainer(
  root: string,
  relative: string,
  staging: string,
  options: ReadOptions = {},
): Promise<DatasetDraft> {
  const config = { quantify_directory: root, set_up: "fridge", ...options.config };
  const result = await quantify.read(config, { identifier: relative, path: join(root, relative) }, {
    staging,
    version: "0",
    converters: [],
    timeZone: options.timeZone ?? "Europe/Amsterdam",
    newest: false,
    now: options.now ?? LATER,
  });
  assert("draft" in result);
  return result.draft;
}

/** Relative paths of all containers below a root, sorted. */
export function containers(root: string): string[] {
  const pattern = new RegExp(quantify.name_pattern?.source ?? "$.", "u");
  const found: string[] = [];
  for (const day of Deno.readDirSync(root)) {
    if (!day.isDirectory) continue;
    for (const { name } of Deno.readDirSync(join(root, day.name))) found.push(`${day.name}/${name}`);
  }
  return found.filter((path) => pattern.test(path.normalize("NFC"))).sort();
}

/** Unpacks the cases that tests/python/quantify_cases.py made with quantify-core. */
export async function unpackCases(): Promise<Folder> {
  const folder = await tempFolder();
  const { success, stderr } = await new Deno.Command("tar", {
    args: ["-xzf", join(FIXTURES, "cases.tar.gz"), "-C", folder.path],
    stderr: "piped",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return folder;
}

/** A writable copy of a fixture folder. */
export async function copyFixture(name: string): Promise<Folder> {
  const folder = await tempFolder();
  await copyFolder(join(FIXTURES, name), folder.path);
  return folder;
}

/** Asserts that a file equals its truth: variables, coordinates and values, and all attributes that mean something. */
export async function assertSameNetcdf(produced: string, truth: string, what: string): Promise<void> {
  await assertNetcdfEqual(produced, truth);
  assertEquals(await attributesOf(produced), await attributesOf(truth), `${what}: attributes`);
}

/** Bookkeeping of netCDF writers, and the marks of rule B10, which Quantify itself does not make. */
const LEFT_OUT = new Set(["coordinates", "_FillValue", "dtype", "_Encoding", "__std", "__is_std"]);

/** Attributes by variable, "" for those of the file; booleans and integers of any width as numbers. */
async function attributesOf(path: string): Promise<Map<string, Map<string, unknown>>> {
  const { variables, groups } = await netcdfContent(path);
  const owners = Object.entries(variables).map(([name, v]) => [name, v.attributes] as const);
  return new Map([...owners, ["", groups[""] ?? {}] as const].map(([name, attributes]) => {
    const kept = Object.entries(attributes).filter(([key]) => !LEFT_OUT.has(key));
    return [name, new Map(kept.map(([key, value]) => [key, plain(value)]))];
  }));
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "boolean") return Number(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Uint8Array, plain) : value;
}
