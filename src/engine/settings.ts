/** The configuration file `config.toml`: everything optional, every key checked. */
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { parseRate, parseTimetable } from "../transfer/timetable.ts";

/** A number, or a text such as `2M`. */
const rate = z.union([z.string(), z.number()]).transform((value, c) => {
  const parsed = parseRate(value);
  if (Number.isNaN(parsed)) c.addIssue("a number of bytes, such as 500k or 2M");
  return parsed;
});

const settingsSchema = z.strictObject({
  platform: z.strictObject({
    url: z.url().optional().describe(
      "Base address of the eTiKeT platform or a lab's hub; default: the embedded hub.",
    ),
  }).default({}),
  api: z.strictObject({
    port: z.int().min(1).max(65535).default(10410).describe("Port of the local API and dashboard."),
  }).default({ port: 10410 }),
  plugins: z.strictObject({
    directory: z.string().optional().describe(
      "Folder of extra backends and converters; default: <home>/plugins.",
    ),
  }).default({}),
  readers: z.strictObject({
    max: z.int().min(1).max(64).default(2).describe(
      "Reader processes at once; two more while slow tasks of other sources hold them all.",
    ),
  }).default({ max: 2 }),
  bandwidth: z.strictObject({
    limit: rate.default(0).describe("Bytes per second for all uploads together, such as 2M; 0: unlimited."),
    timetable: z.record(z.string(), z.union([z.string(), z.number()])).default({}).transform((value, c) => {
      const spans = parseTimetable(value);
      if (!spans) c.addIssue('lines are like "08:00-18:00" = "2M"');
      return spans ?? [];
    }).describe("Limits for hours of the day in local time; the first that fits wins over the general one."),
  }).prefault({}),
  transfer: z.strictObject({
    parts_from: rate.default(64 * 1024 * 1024).describe(
      "Files of at least so many bytes are sent in parts, and go on after a crash where they were.",
    ),
  }).prefault({}),
  live: z.strictObject({
    enabled: z.boolean().default(true).describe("Follow measurements while they run."),
    max_sessions: z.int().min(1).max(1024).default(64).describe("Measurements followed at once, per source."),
  }).prefault({}),
  secrets: z.strictObject({
    store: z.enum(["auto", "keychain", "file"]).default("auto").describe(
      "Where the key of passwords and tokens is: the system's keychain, a file of the state folder, or auto: the " +
        "keychain where one answers, else the file.",
    ),
  }).prefault({}),
  sources: z.array(z.strictObject({
    name: z.string().min(1).max(100),
    backend: z.string(),
    config: z.record(z.string(), z.unknown()).default({}),
    scope: z.string().optional().describe("Name or uuid of the default scope."),
    autoassign: z.boolean().optional(),
  })).default([]).describe("Sources that are created or updated at start."),
});

export type Settings = z.infer<typeof settingsSchema>;

/**
 * Reads the configuration file; a missing default file means all defaults.
 * @throws SyncError `config_invalid` naming file, place and problem
 */
export function readSettings(path: string, mustExist: boolean): Settings {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (e) {
    if (e instanceof Deno.errors.NotFound && !mustExist) return settingsSchema.parse({});
    throw invalid(path, e instanceof Error ? e.message : String(e), e);
  }
  let data: unknown;
  try {
    data = parse(text);
  } catch (e) {
    // What follows its first line quotes the file, in which there may be a password.
    const [first = ""] = (e instanceof Error ? e.message : String(e)).split("\n");
    throw invalid(path, e instanceof TomlError ? `line ${e.line}, column ${e.column}: ${first}` : first);
  }
  const result = settingsSchema.safeParse(data);
  if (!result.success) {
    throw invalid(
      path,
      result.error.issues.map((i) => `${i.path.join(".") || "top level"}: ${i.message}`).join("; "),
    );
  }
  return result.data;
}

/** JSON Schema of the configuration file, for editors. */
export function settingsJsonSchema(): unknown {
  return z.toJSONSchema(settingsSchema, { io: "input" });
}

function invalid(path: string, detail: string, cause?: unknown): SyncError {
  return new SyncError("usage", "config_invalid", `${path}: ${detail}`, {
    cause,
    hint: "Correct the file; `etiket-sync config schema` prints what it may hold.",
  });
}
