/** The checks of a source's configuration that are the same for every backend (rules B6, B7). */
import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Config, Field, FieldType } from "./define_backend.ts";
import { suggestion } from "./did_you_mean.ts";

export interface CheckOptions {
  /** What a leading `~` stands for. */
  home: string;
  /** IANA zone of a source that names none. */
  defaultTimeZone: string;
}

/** Every configuration accepts it, whether the backend lists it or not. */
export const TIME_ZONE_FIELD: Field = {
  name: "time_zone",
  type: "string",
  required: false,
  description:
    "IANA zone of times that are written without one, such as Europe/Amsterdam; default: this computer's.",
};

/** The fields of a backend plus the ones that every backend has. */
export function allFields(fields: readonly Field[]): Field[] {
  return fields.some((f) => f.name === TIME_ZONE_FIELD.name) ? [...fields] : [...fields, TIME_ZONE_FIELD];
}

/**
 * Checks a raw configuration against the fields of its backend: unknown keys, missing keys, types, choices,
 * time zone. Aliases become the field's name, defaults are filled in, paths become absolute real ones (`~`
 * expanded, links resolved as far as the path exists). `null` counts as not given.
 * @returns the checked configuration, and one sentence per problem; usable only without problems. Values are
 *   never quoted, because they may be secret.
 */
export function checkConfig(
  fields: readonly Field[],
  raw: Config,
  options: CheckOptions,
): { config: Config; problems: string[] } {
  const known = allFields(fields);
  const byKey = new Map(known.flatMap((f) => [f.name, ...(f.aliases ?? [])].map((key) => [key, f] as const)));
  const config: Config = {};
  const problems: string[] = [];
  const givenAs = new Map<Field, string>();

  for (const [key, value] of Object.entries(raw)) {
    const field = byKey.get(key);
    if (!field) {
      problems.push(`unknown key "${key}"${suggestion(key, byKey.keys())}`);
      continue;
    }
    if (value === null || value === undefined) continue;
    const other = givenAs.get(field);
    if (other !== undefined) {
      problems.push(`"${other}" and "${key}" are the same setting: give one of them`);
      continue;
    }
    givenAs.set(field, key);
    const problem = problemOf(field, value);
    if (problem) problems.push(`"${key}": ${problem}`);
    else config[field.name] = stored(field, value, options.home);
  }
  for (const field of known) {
    if (givenAs.has(field)) continue;
    if (field.required) problems.push(`"${field.name}" is missing: ${field.description}`);
    else if (field.default !== undefined && field.default !== null) {
      config[field.name] = stored(field, field.default, options.home);
    }
  }
  checkTimeZone(config, options.defaultTimeZone, problems);
  return { config, problems };
}

const isMap = (value: unknown) =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
const isPathText = (value: unknown) => typeof value === "string" && value !== "" && !value.includes("\0");

const TYPES: Record<FieldType, { expected: string; accepts: (value: unknown) => boolean }> = {
  string: { expected: "a text", accepts: (v) => typeof v === "string" },
  integer: { expected: "an integer", accepts: (v) => Number.isSafeInteger(v) },
  float: { expected: "a number", accepts: (v) => typeof v === "number" && Number.isFinite(v) },
  boolean: { expected: "true or false", accepts: (v) => typeof v === "boolean" },
  path: { expected: "a path", accepts: isPathText },
  dir_path: { expected: "the path of a folder", accepts: isPathText },
  file_path: { expected: "the path of a file", accepts: isPathText },
  list: { expected: "a list", accepts: Array.isArray },
  dict: { expected: "a map", accepts: isMap },
};

const typesOf = (field: Field): FieldType[] => [field.type, ...(field.also ?? [])];

/** The first type of a field that a value has. */
function typeOf(field: Field, value: unknown): FieldType | undefined {
  return typesOf(field).find((type) => TYPES[type].accepts(value));
}

/** The value as it is stored: paths absolute. */
function stored(field: Field, value: unknown, home: string): unknown {
  return typeOf(field, value)?.endsWith("path") ? realPath(String(value), home) : value;
}

function problemOf(field: Field, value: unknown): string | undefined {
  if (typeOf(field, value) === undefined) {
    const expected = typesOf(field).map((type) => TYPES[type].expected).join(" or ");
    return `expected ${expected}, got ${describeType(value)}`;
  }
  if (field.choices && !field.choices.includes(String(value))) {
    const hint = field.secret ? "" : suggestion(String(value), field.choices);
    return `expected one of ${field.choices.join(", ")}${hint}`;
  }
}

function describeType(value: unknown): string {
  if (value === "") return "an empty text";
  if (typeof value === "string") return "a text";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a number";
  if (typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : "a map";
}

function realPath(text: string, home: string): string {
  const expanded = text === "~" ? home : /^~[/\\]/.test(text) ? join(home, text.slice(2)) : text;
  return resolveLinks(resolve(expanded));
}

/** Resolves the links of the part of a path that exists, so that a folder is the same text before and after it is made. */
function resolveLinks(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(resolveLinks(parent), basename(path));
  }
}

function checkTimeZone(config: Config, fallback: string, problems: string[]): void {
  const zone = config.time_zone;
  if (typeof zone !== "string") {
    config.time_zone = fallback;
    return;
  }
  const canonical = canonicalTimeZone(zone);
  if (canonical) config.time_zone = canonical;
  else {
    const hint = suggestion(zone, Intl.supportedValuesOf("timeZone"));
    problems.push(`"time_zone": expected an IANA time zone such as Europe/Amsterdam${hint}`);
  }
}

/** The zone's name in its usual letter case, or undefined. Offsets such as `+01:00` are no zones. */
function canonicalTimeZone(zone: string): string | undefined {
  if (!/^[A-Za-z]/.test(zone)) return undefined;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
