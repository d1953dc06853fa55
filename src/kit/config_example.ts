/** Examples of a source's configuration to copy and paste, generated from the fields of its backend (rule B7). */
import type { Field } from "./define_backend.ts";

const PLACEHOLDERS: Record<Field["type"], unknown> = {
  string: "text",
  integer: 1,
  float: 1.5,
  boolean: false,
  path: "~/measurements",
  dir_path: "~/measurements",
  file_path: "~/measurements/data.db",
  list: ["one", "two"],
  dict: { key: "value" },
};

/**
 * A configuration with every required field, and the optional ones that have an example of their own; a secret is
 * never given a value.
 */
export function exampleConfig(fields: readonly Field[]): Record<string, unknown> {
  const shown = fields.filter((f) => !f.secret && (f.required || f.example !== undefined));
  return Object.fromEntries(
    shown.map((f) => [f.name, f.example ?? f.choices?.[0] ?? f.default ?? PLACEHOLDERS[f.type]]),
  );
}

/**
 * The command that adds a source with {@link exampleConfig}, ready to paste into a shell.
 * @param backend the backend's name as the user may type it
 */
export function exampleCommand(backend: string, fields: readonly Field[]): string {
  const settings = Object.entries(exampleConfig(fields)).flatMap(([key, value]) => assignments(key, value));
  const secrets = fields.filter((f) => f.secret && f.required).map((f) => `--secret ${f.name}`);
  return [
    `etiket-sync source add my_${backend}`,
    `--backend ${backend}`,
    ...settings.map((s) => `--set ${shellQuote(s)}`),
    ...secrets,
  ].join(" ");
}

/** `key=value`; a map becomes one `key.member=value` for each member, a list JSON. */
function assignments(key: string, value: unknown): string[] {
  if (Array.isArray(value)) return [`${key}=${JSON.stringify(value)}`];
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([member, v]) => assignments(`${key}.${member}`, v));
  }
  return [`${key}=${String(value)}`];
}

/** Quoted only where needed. `~` stays as it is: the agent expands it, and so does no shell after `=`. */
function shellQuote(text: string): string {
  return /^[\w=.,:~/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
