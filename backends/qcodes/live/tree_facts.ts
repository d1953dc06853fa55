/** What is known of the layout of a measured parameter while it is measured. It only ever grows more general. */
import type { LiveChange, LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import type { ParamType, RunDescription } from "../interdependencies.ts";
import { cellAt, commonShape, everyOf, isSame, type TreeBatch, widest } from "./live_values.ts";
import type { Parameter } from "./structure.ts";

/** The axes that all rows of arrays have in common. */
export interface Inner {
  axes: { name: string; values: LiveValues; dtype: LiveDtype }[];
  shape: number[];
}

export interface TreeFacts {
  /** The registered shape, while the points fit in. */
  grid: number[] | null;
  /** undefined: no row of arrays was seen. */
  inner: Inner | null | undefined;
  /** No value of the only setpoint came twice. */
  unique: boolean;
  /** Its setpoints are other ones than those of the parameters it could share them with. */
  own: boolean;
  /** Types of the arrays that were seen. */
  dtypes: Map<string, LiveDtype>;
}

/** What placing a batch gave: the new cells, or what has to be known to lay it out. */
export type Placed = { changes: LiveChange[] } | { learned: Partial<TreeFacts> };

/** A measured parameter in its layout. */
export interface LiveTree {
  /** Places new rows. Of no use any more once it has learned something. */
  place(batch: TreeBatch): Placed;
  /** It lies as in the finished file, should no further point come. */
  readonly isFinal: boolean;
  /** So far. */
  readonly points: number;
}

/** A parameter of a tree. */
export interface Member {
  name: string;
  type: ParamType;
  role: "measured" | "setpoint" | "inferred";
}

/** Before the first row: the shape that was registered, as QCoDeS' own reader takes it. */
export function firstFacts(description: RunDescription, members: readonly Member[]): TreeFacts {
  const shape = description.shapes?.[members[0]?.name ?? ""];
  const setpoints = members.filter((m) => m.role === "setpoint").length;
  const fits = shape && setpoints > 0 && shape.length === setpoints &&
    shape.every((n) => Number.isInteger(n) && n > 0);
  return { grid: fits ? shape : null, inner: undefined, unique: true, own: false, dtypes: new Map() };
}

/** A member as a variable, in the type that its values have as far as they are known. */
export function parameterOf({ name, type, role }: Member, facts: TreeFacts): Parameter {
  const dtype = type === "text"
    ? "text"
    : type === "complex"
    ? "c16"
    : type === "numeric"
    ? "f8"
    : facts.dtypes.get(name) ?? "f8";
  return { name, dtype, role: role === "setpoint" ? "setpoint" : "measured" };
}

/**
 * Takes note of the types of a batch's arrays.
 * @returns whether a variable has to be of another type than so far
 */
export function learnTypes(batch: TreeBatch, facts: TreeFacts): boolean {
  let differs = false;
  for (const target of batch.targets) {
    const { name, type, column } = target;
    if (type !== "array" || column.dtype === null) continue;
    const { dtype } = parameterOf(target, facts);
    const needed = facts.dtypes.has(name) ? widest(dtype, column.dtype) : column.dtype;
    facts.dtypes.set(name, needed);
    if (needed !== dtype) differs = true;
  }
  return differs;
}

/** What {@link innerOf} will probably give: a row of arrays has an axis for each of its setpoints that are arrays. */
export function likelyInner(members: readonly Member[], facts: TreeFacts): Inner | null {
  const setpoints = members.filter((m) => m.role === "setpoint");
  const arrays = setpoints.filter((m) => m.type === "array");
  if (arrays.length === 0 || setpoints.length < 2) return null;
  const axes = arrays.map((m) => ({
    name: m.name,
    values: new Float64Array(0),
    dtype: parameterOf(m, facts).dtype,
  }));
  return { axes, shape: arrays.map(() => 0) };
}

/**
 * The inner axes of rows of arrays: the setpoints that are arrays, when each rises along an axis of its own. null where
 * the elements can only be listed.
 */
export function innerOf(batch: TreeBatch, facts: TreeFacts): Inner | null {
  const setpoints = batch.targets.filter((t) => t.role === "setpoint");
  const arrays = setpoints.filter((t) => t.type === "array");
  const shape = commonShape(batch);
  // One setpoint alone is the axis itself, however many arrays it comes in.
  if (!shape || arrays.length === 0 || setpoints.length < 2 || arrays.length !== shape.length) return null;
  const size = sizeOf(shape);
  const axes = arrays.map((target, k) => {
    const { dtype } = parameterOf(target, facts);
    const row = target.column.values(dtype);
    const stride = sizeOf(shape.slice(k + 1));
    const length = shape[k] ?? 1;
    const values = everyOf(row, dtype, 0, stride, length);
    for (let i = 0; i < size; i++) {
      const at = Math.floor(i / stride) % length;
      if (!isSame(cellAt(row, dtype, i), cellAt(values, dtype, at))) return null;
    }
    return { name: target.name, values, dtype };
  });
  const known = axes.filter((a) => a !== null);
  return known.length === axes.length ? { axes: known, shape } : null;
}
