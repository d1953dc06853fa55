/**
 * Which parameters a run has and how they relate, from every form in which QCoDeS stored that: versions 0 to 3 of the
 * run description, or the tables `layouts` and `dependencies` of databases below version 4.
 */
import { z } from "zod";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import { SyncError } from "../../src/kit/errors.ts";

export type ParamType = "numeric" | "array" | "complex" | "text";

export interface ParamSpec {
  name: string;
  paramtype: ParamType;
  label: string;
  unit: string;
}

export interface RunDescription {
  /** In the order in which QCoDeS keeps them: dependencies, then inferences, then standalones. */
  params: Map<string, ParamSpec>;
  /** Setpoints of a parameter, outer axis first. */
  dependsOn: Map<string, string[]>;
  inferredFrom: Map<string, string[]>;
  /** Registered shapes per measured parameter. */
  shapes: Record<string, number[]> | null;
}

const specSchema = z.object({
  name: z.string(),
  paramtype: z.string().toLowerCase().pipe(z.enum(["numeric", "array", "complex", "text"])),
  label: z.string().nullish().transform((v) => v ?? ""),
  unit: z.string().nullish().transform((v) => v ?? ""),
});
const oldSpecSchema = specSchema.extend({
  depends_on: z.array(z.string()).nullish().transform((v) => v ?? []),
  inferred_from: z.array(z.string()).nullish().transform((v) => v ?? []),
});
export type OldParamSpec = z.infer<typeof oldSpecSchema>;

const oldForm = z.object({ paramspecs: z.array(oldSpecSchema) });
const newForm = z.object({
  parameters: z.record(z.string(), specSchema),
  dependencies: z.record(z.string(), z.array(z.string())),
  inferences: z.record(z.string(), z.array(z.string())),
  standalones: z.array(z.string()),
});
const descriptionSchema = z.object({
  shapes: z.record(z.string(), z.array(z.number())).nullish().transform((v) => v ?? null),
  interdependencies_: newForm.optional(),
  interdependencies: z.union([newForm, oldForm]).optional(),
});

/**
 * Reads the `run_description` of a run.
 * @throws SyncError `qcodes_corrupt`
 */
export function parseRunDescription(text: string, where: string): RunDescription {
  const fail = (reason: string, cause?: unknown) =>
    new SyncError("data", "qcodes_corrupt", `${where}, column "run_description": ${reason}`, {
      hint:
        "The description of the run's parameters is damaged; open the run with QCoDeS to see what it makes of it.",
      cause,
    });
  let json: unknown;
  try {
    json = parseTolerantJson(text);
  } catch (e) {
    throw fail("not valid JSON", e);
  }
  const parsed = descriptionSchema.safeParse(json);
  if (!parsed.success) throw fail(z.prettifyError(parsed.error).replaceAll("\n", " "));
  const { interdependencies_: recent, interdependencies: either, shapes } = parsed.data;
  try {
    const form = recent ?? either;
    if (!form) throw new Error("interdependencies are missing");
    return "paramspecs" in form ? fromOldSpecs(form.paramspecs, shapes) : build({
      specs: new Map(Object.values(form.parameters).map((p) => [p.name, p])),
      dependencies: Object.entries(form.dependencies),
      inferences: Object.entries(form.inferences),
      standalones: form.standalones,
      shapes,
    });
  } catch (e) {
    throw fail(e instanceof Error ? e.message : String(e), e);
  }
}

/** Converts parameters that carry their relations (version 0; the tables of old databases) as QCoDeS does. */
export function fromOldSpecs(
  specs: readonly OldParamSpec[],
  shapes: Record<string, number[]> | null = null,
): RunDescription {
  const dependencies = specs.filter((s) => s.depends_on.length > 0).map((s) =>
    [s.name, s.depends_on] as [string, string[]]
  );
  const inferences = specs.filter((s) => s.inferred_from.length > 0).map((s) =>
    [s.name, s.inferred_from] as [string, string[]]
  );
  const roots = new Set([...dependencies, ...inferences].flatMap(([, names]) => names));
  const standalones = specs.filter((s) =>
    s.depends_on.length === 0 && s.inferred_from.length === 0 && !roots.has(s.name)
  ).map((s) => s.name);
  return build({
    specs: new Map(specs.map((s) => [s.name, s])),
    dependencies,
    inferences,
    standalones,
    shapes,
  });
}

interface Parts {
  specs: Map<string, ParamSpec>;
  dependencies: [string, string[]][];
  inferences: [string, string[]][];
  standalones: string[];
  shapes: Record<string, number[]> | null;
}

function build(parts: Parts): RunDescription {
  const params = new Map<string, ParamSpec>();
  const add = (name: string) => {
    const spec = parts.specs.get(name);
    if (!spec) throw new Error(`parameter "${name}" is not described`);
    const { paramtype, label, unit } = spec;
    if (!params.has(name)) params.set(name, { name, paramtype, label, unit });
  };
  for (const [name, others] of [...parts.dependencies, ...parts.inferences]) [name, ...others].forEach(add);
  parts.standalones.forEach(add);
  const dependsOn = new Map<string, string[]>();
  const inferredFrom = new Map<string, string[]>();
  // In the order of the parameters, as QCoDeS walks its graph.
  for (const name of params.keys()) {
    const axes = parts.dependencies.find(([n]) => n === name)?.[1] ?? [];
    const bases = parts.inferences.find(([n]) => n === name)?.[1] ?? [];
    if (axes.length > 0) dependsOn.set(name, axes);
    if (bases.length > 0) inferredFrom.set(name, bases);
  }
  return { params, dependsOn, inferredFrom, shapes: parts.shapes };
}

/** Everything that can be reached from a name, without the name itself unless it lies on a cycle. */
function reachable(from: string, next: (name: string) => readonly string[]): Set<string> {
  const found = new Set<string>();
  const todo = [...next(from)];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    todo.push(...next(name));
  }
  return found;
}

/** All parameters that belong to a parameter: its setpoints, and what is inferred from these or it, both ways. */
export function relatedParameters(d: RunDescription, name: string): Set<string> {
  const base = new Set([name, ...reachable(name, (n) => d.dependsOn.get(n) ?? [])]);
  const all = new Set(base);
  for (const n of base) {
    for (const other of reachable(n, (m) => d.inferredFrom.get(m) ?? [])) all.add(other);
    for (const other of reachable(n, (m) => inferredOf(d, m))) all.add(other);
  }
  return all;
}

function inferredOf(d: RunDescription, name: string): string[] {
  return [...d.inferredFrom].filter(([, bases]) => bases.includes(name)).map(([n]) => n);
}

/** Setpoints of a measured parameter, and the inferred parameters (by name) stored in the same rows. */
export function treeOf(d: RunDescription, name: string): { setpoints: string[]; inferred: string[] } {
  const setpoints = d.dependsOn.get(name) ?? [];
  const inferred = [...relatedParameters(d, name)].filter((n) => n !== name && !setpoints.includes(n));
  return { setpoints, inferred: inferred.sort() };
}

/** The parameters that have data sets of their own: neither setpoints nor inferred, sorted by name. */
export function topLevelParameters(d: RunDescription): string[] {
  const setpoints = new Set([...d.dependsOn.values()].flat());
  const bases = new Set([...d.inferredFrom.values()].flat());
  const measured = [...d.dependsOn.keys()].filter((n) => !setpoints.has(n) && !d.inferredFrom.has(n));
  const inTrees = new Set(measured.flatMap((n) => [...relatedParameters(d, n)]));
  const inferredTop = [...d.inferredFrom.keys()].filter((n) => !bases.has(n) && !inTrees.has(n));
  const standalone = [...d.params.keys()].filter((n) =>
    !d.dependsOn.has(n) && !d.inferredFrom.has(n) && !setpoints.has(n) && !bases.has(n)
  );
  return [...new Set([...measured, ...inferredTop, ...standalone])].sort();
}

/** The description as QCoDeS 0.58 stores it (version 3, Python's JSON). */
export function descriptionText(d: RunDescription): string {
  const parameters = Object.fromEntries(d.params);
  const spec = (name: string) => ({
    ...parameters[name],
    inferred_from: d.inferredFrom.get(name) ?? [],
    depends_on: d.dependsOn.get(name) ?? [],
  });
  const order = new Set([
    ...[...d.dependsOn.values()].flat(),
    ...[...d.inferredFrom.values()].flat(),
    ...d.params.keys(),
  ]);
  const related = new Set([...d.dependsOn, ...d.inferredFrom].flatMap(([n, others]) => [n, ...others]));
  return pythonJson({
    version: 3,
    interdependencies: { paramspecs: [...order].map(spec) },
    interdependencies_: {
      parameters,
      dependencies: Object.fromEntries(d.dependsOn),
      inferences: Object.fromEntries(d.inferredFrom),
      standalones: [...d.params.keys()].filter((n) => !related.has(n)),
    },
    shapes: d.shapes,
  });
}

/** JSON with the blanks and escapes of Python's json.dumps. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).map(([k, v]) => `${pythonJson(k)}: ${pythonJson(v)}`).join(", ")}}`;
  }
  return JSON.stringify(value ?? null).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
