/** `--set key=value`: assignments on the command line become a source's configuration. */
import type { Field, FieldType } from "../kit/define_backend.ts";
import { SyncError } from "../kit/errors.ts";

/** One checked assignment, still text. */
export interface Assignment {
  key: string;
  value: string;
}

/**
 * Splits `key=value` at the first `=`.
 * @throws SyncError `set_invalid`
 */
export function parseAssignment(text: string): Assignment {
  const at = text.indexOf("=");
  const key = text.slice(0, at).trim();
  if (at < 1 || key === "" || key.split(".").some((part) => part === "" || part === "__proto__")) {
    throw new SyncError("usage", "set_invalid", `--set "${text}" is not key=value`, {
      hint: "Write for example --set root_directory=/data; names without = go before --set.",
    });
  }
  return { key, value: text.slice(at + 1) };
}

/**
 * Builds a configuration. The type of the backend's field decides how a value is read: text and paths stay as typed,
 * `a.b=c` fills a map, a list takes JSON or repeated assignments; values of unknown keys are guessed, so that the
 * backend can say what is wrong with the key.
 * @throws SyncError `set_invalid` for values that start like JSON and are not
 */
export function configFromAssignments(
  assignments: readonly Assignment[],
  fields: readonly Field[],
): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const { key, value } of assignments) {
    const whole = fieldNamed(key, fields);
    if (whole) {
      assign(config, key, whole, value);
      continue;
    }
    const [first = "", ...inner] = key.split(".");
    if (inner.length === 0) config[key] = guess(value);
    else setDeep(config, [first, ...inner], guess(value));
  }
  return config;
}

function fieldNamed(name: string, fields: readonly Field[]): Field | undefined {
  return fields.find((f) => f.name === name || f.aliases?.includes(name));
}

function assign(config: Record<string, unknown>, key: string, field: Field, value: string): void {
  if (field.type === "list" && !looksLikeJson(value)) {
    const before = config[key];
    config[key] = [...(Array.isArray(before) ? before : []), guess(value)];
    return;
  }
  config[key] = valueOf(field, value);
}

/** Text that is of none of the field's types is handed on: the backend says what is wrong with it. */
function valueOf(field: Field, text: string): unknown {
  for (const type of [field.type, ...(field.also ?? [])]) {
    const value = asType(type, text);
    if (value !== undefined) return value;
  }
  if (field.type === "list" || field.type === "dict") throw notJson(field.name, text);
  return text;
}

function asType(type: FieldType, text: string): unknown {
  switch (type) {
    case "string":
    case "path":
    case "dir_path":
    case "file_path":
      return text;
    case "boolean":
      return booleanOf(text);
    case "integer":
    case "float":
      return numberOf(text);
    case "list":
    case "dict":
      return looksLikeJson(text) ? parsed(text) : undefined;
  }
}

function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notJson(name: string, text: string): SyncError {
  return new SyncError("usage", "set_invalid", `--set ${name}: "${text}" is not JSON`, {
    hint: `Write for example --set '${name}=["a","b"]', or --set ${name}.key=value for a map.`,
  });
}

function booleanOf(text: string): boolean | undefined {
  if (/^(true|yes|on)$/i.test(text)) return true;
  if (/^(false|no|off)$/i.test(text)) return false;
  return undefined;
}

function numberOf(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : undefined;
}

function guess(text: string): unknown {
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  if (text === "null") return null;
  const number = numberOf(text);
  // An identifier such as 007 or one beyond 2^53 would change: it stays text.
  if (number !== undefined && (!Number.isInteger(number) || String(number) === text.trim())) return number;
  return looksLikeJson(text) ? parsed(text) ?? text : text;
}

function setDeep(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = "", ...rest] = path;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const before = Object.hasOwn(target, key) ? target[key] : undefined;
  const map: Record<string, unknown> = isMap(before) ? before : {};
  target[key] = map;
  setDeep(map, rest, value);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
