/** The JSON texts of a measurement, kept as bytes: its snapshot and its metadata. */
import { z } from "zod";
import type { DraftLog } from "../../src/kit/drafts.ts";
import { pythonString } from "../../src/kit/hdf5/python_text.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";

/** A JSON text; `value` is undefined when it is none. */
export interface JsonText {
  text: string;
  value: unknown;
}

/** @returns what is wrong with it, too, as a log */
export function readJson(
  bytes: Uint8Array | null | undefined,
  what: string,
): JsonText & { logs: DraftLog[] } {
  if (!bytes) return { text: "null", value: null, logs: [] };
  const text = new TextDecoder().decode(bytes);
  try {
    return { text, value: parseTolerantJson(text), logs: [] };
  } catch {
    const message = `the ${what} is not valid JSON: it is kept as it is, and nothing is taken from it`;
    return { text, value: undefined, logs: [{ code: `${what}_unreadable`, message }] };
  }
}

const nested = z.record(z.string(), z.unknown());

/** The map below a path of keys; undefined where there is none. */
export function mapBelow(value: unknown, ...path: string[]): Record<string, unknown> | undefined {
  let current: unknown = value;
  for (const key of path) current = nested.safeParse(current).data?.[key];
  return nested.safeParse(current).data;
}

/** Values of the gates: snapshot.station.instruments.gates.parameters, `IDN` apart. */
const GATES = ["station", "instruments", "gates", "parameters"];

/**
 * The gates of a snapshot: name → `<value> <unit>`, numbers as they are written in the snapshot; undefined without
 * gates.
 */
export function gatesIn({ text, value }: JsonText): Record<string, string> | undefined {
  if (!mapBelow(value, ...GATES)) return undefined;
  const exact = mapBelow(parseTolerantJson(text, (source) => new NumberText(source)), ...GATES) ?? {};
  const gates = Object.entries(exact).flatMap(([name, parameter]) => {
    const fields = mapBelow(parameter);
    if (name === "IDN" || !fields || !("value" in fields)) return [];
    const unit = typeof fields.unit === "string" ? fields.unit : "";
    return [[name, `${valueText(fields.value)} ${unit}`.trimEnd()]];
  });
  return gates.length > 0 ? Object.fromEntries(gates) : undefined;
}

/** `201.0` and `201` are one number, and two texts. */
class NumberText {
  constructor(readonly source: string) {}
}

const PYTHON_NAMES: Record<string, string> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" };

/** As Python prints it. */
function valueText(value: unknown): string {
  if (value instanceof NumberText) return PYTHON_NAMES[value.source] ?? value.source;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => typeof item === "string" ? pythonString(item) : valueText(item));
    return `[${items.join(", ")}]`;
  }
  return JSON.stringify(value, (_key, v) => v instanceof NumberText ? Number(v.source) : v);
}
