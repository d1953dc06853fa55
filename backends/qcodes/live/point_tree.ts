/** A measured parameter without shape: an axis that grows point by point and, for rows of arrays, inner axes. */
import type { LiveChange, LiveValues } from "../../../src/kit/live.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import type { LiveArray } from "./live_array.ts";
import { cellAt, commonShape, everyOf, isRising, isSame, sliceOf, type TreeBatch } from "./live_values.ts";
import type { PointAxis } from "./point_axis.ts";
import type { Structure } from "./structure.ts";
import {
  type Inner,
  innerOf,
  likelyInner,
  type LiveTree,
  type Member,
  parameterOf,
  type Placed,
  type TreeFacts,
} from "./tree_facts.ts";

/** New steps along the growing axis that lie side by side. */
interface Stretch {
  /** First step of the batch. */
  from: number;
  count: number;
  /** Position on the axis. */
  at: number;
}

export class PointTree implements LiveTree {
  readonly #facts: TreeFacts;
  readonly #hasArrays: boolean;
  readonly #inner: Inner | null;
  readonly #coordinates: LiveArray[];
  /** null: a single row, all of whose setpoints are arrays. */
  readonly #axis: PointAxis | null;
  readonly #outer: string[];
  /** With a value for every element. */
  readonly #full: { member: string; array: LiveArray }[];
  /** All positions before this one are taken, and these behind it. */
  #next = 0;
  readonly #beyond = new Set<number>();
  #points = 0;
  #coordinatesWritten = false;

  constructor(structure: Structure, members: readonly Member[], facts: TreeFacts) {
    const { own } = facts;
    this.#facts = facts;
    this.#hasArrays = members.some((m) => m.type === "array");
    const inner = this.#inner = facts.inner === undefined ? likelyInner(members, facts) : facts.inner;
    const setpoints = members.filter((m) => m.role === "setpoint");
    const outer = inner ? setpoints.filter((m) => m.type !== "array") : setpoints;
    this.#outer = outer.map((m) => m.name);
    this.#axis = inner && outer.length === 0 ? null : structure.pointAxis(
      outer.map((m) => parameterOf(m, facts)),
      outer.length === 1 && facts.unique,
      own,
    );
    this.#coordinates =
      inner?.axes.map((axis) =>
        structure.coordinate({ ...axis, role: "setpoint" }, axis.values.length, own)
      ) ?? [];
    const dims = [...this.#axis ? [this.#axis.dim] : [], ...this.#coordinates.map((c) => c.facts.name)];
    const shape = [...this.#axis ? [0] : [], ...inner?.shape ?? []];
    const nameOf = new Map([
      ...outer.map((m, k) => [m.name, this.#axis?.setpoints[k]?.facts.name ?? m.name] as const),
      ...inner?.axes.map((a, k) => [a.name, this.#coordinates[k]?.facts.name ?? a.name] as const) ?? [],
    ]);
    const depends_on = setpoints.map((m) => nameOf.get(m.name) ?? m.name);
    const grows = this.#axis !== null;
    this.#full = members.filter((m) => m.role !== "setpoint").map((m) => {
      const parameter = { ...parameterOf(m, facts), depends_on };
      const array = m.role === "measured"
        ? structure.add(parameter, dims, shape, grows)
        : structure.shared(parameter, dims, shape, { grows, own });
      return { member: m.name, array };
    });
  }

  get points(): number {
    return this.#points;
  }

  get isFinal(): boolean {
    const { places } = this.#axis ?? {};
    if (this.#outer.length === 0 && !this.#inner) return true;
    if (this.#inner) {
      // A grid of several setpoints has rising axes.
      return places?.isRising === true &&
        this.#inner.axes.every(({ values, dtype }) => isRising(values, dtype));
    }
    if (this.#outer.length > 1) return false;
    // The measured order of one axis is kept, if all parameters have the same one.
    return !places || this.#beyond.size === 0 && this.#next === places.length;
  }

  place(batch: TreeBatch): Placed {
    if (batch.points === 0) return { changes: [] };
    if (this.#hasArrays && this.#facts.inner === undefined) {
      return { learned: { inner: innerOf(batch, this.#facts) } };
    }
    if (this.#inner && !this.#fitsInner(batch, this.#inner)) return { learned: { inner: null } };
    const size = sizeOf(this.#inner?.shape ?? []);
    const steps = batch.points / size;
    const stretches = this.#stretches(batch, steps, size);
    if (!stretches) return { learned: this.#axis ? { unique: false } : { inner: null } };
    const changes: LiveChange[] = [];
    const write = (array: LiveArray, at: number, values: LiveValues): boolean => {
      const written = array.write(at, values);
      changes.push(...written ?? []);
      return written !== null;
    };
    const columns = (name: string, array: LiveArray) =>
      batch.targets.find((t) => t.name === name)?.column.values(array.facts.dtype) ?? [];
    const outer = this.#axis?.setpoints.map((array, k) => {
      const all = columns(this.#outer[k] ?? "", array);
      return { array, size: 1, values: everyOf(all, array.facts.dtype, 0, size, steps) };
    }) ?? [];
    const full = this.#full.map(({ member, array }) => ({ array, size, values: columns(member, array) }));
    const fits = this.#writeCoordinates(write) &&
      stretches.every(({ from, count, at }) =>
        [...outer, ...full].every(({ array, size, values }) =>
          write(array, at * size, sliceOf(values, array.facts.dtype, from * size, count * size))
        )
      );
    this.#points += batch.points;
    return fits ? { changes } : { learned: { own: true } };
  }

  /** Every row has the shape and the inner setpoints of the first one. */
  #fitsInner(batch: TreeBatch, { axes, shape }: Inner): boolean {
    if (String(commonShape(batch)) !== String(shape)) return false;
    return axes.every(({ name, values, dtype }, k) => {
      const column = batch.targets.find((t) => t.name === name)?.column;
      if (!column) return false;
      const all = column.values(dtype);
      const stride = sizeOf(shape.slice(k + 1)), length = shape[k] ?? 1;
      for (let i = 0; i < batch.points; i++) {
        const at = Math.floor(i / stride) % length;
        if (!isSame(cellAt(all, dtype, i), cellAt(values, dtype, at))) return false;
      }
      return true;
    });
  }

  #writeCoordinates(write: (array: LiveArray, at: number, values: LiveValues) => boolean): boolean {
    if (this.#coordinatesWritten) return true;
    this.#coordinatesWritten = true;
    return this.#coordinates.every((array, k) => write(array, 0, this.#inner?.axes[k]?.values ?? []));
  }

  /** Where the steps go. null when a place is taken already. */
  #stretches(batch: TreeBatch, steps: number, size: number): Stretch[] | null {
    const start = this.#next;
    if (!this.#axis) {
      this.#next += steps;
      return this.#next > 1 ? null : [{ from: 0, count: steps, at: 0 }];
    }
    const { places, setpoints } = this.#axis;
    const dtype = setpoints[0]?.facts.dtype ?? "f8";
    const target = batch.targets.find((t) => t.name === this.#outer[0]);
    if (!places || !target) {
      this.#next += steps;
      return [{ from: 0, count: steps, at: start }];
    }
    const values = target.column.values(dtype);
    const stretches: Stretch[] = [];
    for (let i = 0, guess = start; i < steps; i++) {
      const at = places.of(cellAt(values, dtype, i * size), guess);
      if (!this.#take(at)) return null;
      guess = at + 1;
      const last = stretches.at(-1);
      if (last && last.at + last.count === at) last.count++;
      else stretches.push({ from: i, count: 1, at });
    }
    return stretches;
  }

  #take(at: number): boolean {
    if (at < this.#next || this.#beyond.has(at)) return false;
    if (at > this.#next) {
      this.#beyond.add(at);
      return true;
    }
    this.#next++;
    while (this.#beyond.delete(this.#next)) this.#next++;
    return true;
  }
}
