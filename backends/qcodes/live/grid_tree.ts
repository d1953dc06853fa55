/** A measured parameter whose shape was registered: its points fill the grid in C order, as in the finished file. */
import type { LiveChange, LiveValues } from "../../../src/kit/live.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import { relatedParameters } from "../interdependencies.ts";
import type { LiveArray } from "./live_array.ts";
import { everyOf, sliceOf, type TreeBatch } from "./live_values.ts";
import type { Structure } from "./structure.ts";
import { type LiveTree, type Member, parameterOf, type Placed, type TreeFacts } from "./tree_facts.ts";

interface Placing {
  member: string;
  array: LiveArray;
  /** The axes of the grid on which it lies; it is the part at index 0 of the others. */
  along: number[];
}

export class GridTree implements LiveTree {
  readonly #placings: Placing[];
  #points = 0;

  constructor(
    structure: Structure,
    members: readonly Member[],
    facts: TreeFacts,
    readonly shape: readonly number[],
  ) {
    const { own } = facts;
    const setpoints = members.filter((m) => m.role === "setpoint");
    const all = shape.map((_, k) => k);
    const coordinates = setpoints.map((m, k) =>
      structure.coordinate(parameterOf(m, facts), shape[k] ?? 0, own)
    );
    const depends_on = coordinates.map((c) => c.facts.name);
    const others = members.filter((m) => m.role !== "setpoint").map((m): Placing => {
      const along = m.role === "measured" ? all : axesOf(structure, members, m.name);
      const parameter = { ...parameterOf(m, facts), depends_on };
      const dims = along.map((k) => depends_on[k] ?? "");
      const extent = along.map((k) => shape[k] ?? 0);
      const array = m.role === "measured"
        ? structure.add(parameter, dims, extent, false)
        : structure.shared(parameter, dims, extent, { grows: false, own });
      return { member: m.name, array, along };
    });
    this.#placings = [
      ...coordinates.map((array, k) => ({ member: setpoints[k]?.name ?? "", array, along: [k] })),
      ...others,
    ];
  }

  get points(): number {
    return this.#points;
  }

  /** A grid that is not full has the values that were seen, in their order. */
  get isFinal(): boolean {
    return this.#points === sizeOf(this.shape);
  }

  place(batch: TreeBatch): Placed {
    const start = this.#points;
    if (start + batch.points > sizeOf(this.shape)) return { learned: { grid: null } };
    const changes: LiveChange[] = [];
    for (const { member, array, along } of this.#placings) {
      const column = batch.targets.find((t) => t.name === member)?.column;
      if (!column || batch.points === 0) continue;
      for (const part of this.#parts(column.values(array.facts.dtype), array, along, start, batch.points)) {
        const written = array.write(part.at, part.values);
        if (!written) return { learned: { own: true } };
        changes.push(...written);
      }
    }
    this.#points += batch.points;
    return { changes };
  }

  /** Which of the new points lie at index 0 of all axes but these, with their positions along these. */
  *#parts(
    values: LiveValues,
    { facts: { dtype } }: LiveArray,
    along: readonly number[],
    start: number,
    count: number,
  ): Generator<{ at: number; values: LiveValues }> {
    const { shape } = this;
    const [only] = along;
    if (along.length === shape.length) return yield { at: start, values };
    if (along.length === 1 && only !== undefined) {
      const stride = sizeOf(shape.slice(only + 1));
      const first = Math.ceil(start / stride);
      const end = Math.min(shape[only] ?? 0, Math.ceil((start + count) / stride));
      if (first < end) {
        yield { at: first, values: everyOf(values, dtype, first * stride - start, stride, end - first) };
      }
      return;
    }
    for (let i = 0; i < count; i++) {
      const index = indexOf(start + i, shape);
      if (index.some((n, k) => n > 0 && !along.includes(k))) continue;
      const at = along.reduce((flat, k) => flat * (shape[k] ?? 1) + (index[k] ?? 0), 0);
      yield { at, values: sliceOf(values, dtype, i, 1) };
    }
  }
}

/** The axes along which an inferred parameter varies, as QCoDeS takes them. */
function axesOf({ description }: Structure, members: readonly Member[], inferred: string): number[] {
  const related = relatedParameters(description, inferred);
  const setpoints = members.filter((m) => m.role === "setpoint").map((m) => m.name);
  if (related.has(members[0]?.name ?? "")) return setpoints.map((_, k) => k);
  return setpoints.flatMap((name, k) => related.has(name) ? [k] : []);
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index = shape.map(() => 0);
  for (let k = shape.length - 1; k >= 0; k--) {
    index[k] = flat % (shape[k] ?? 1);
    flat = Math.floor(flat / (shape[k] ?? 1));
  }
  return index;
}
