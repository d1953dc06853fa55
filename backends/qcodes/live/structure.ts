/** The variables of a run that is followed, and the axes that they share. */
import type { LiveChange, LiveDtype, LiveVariable } from "../../../src/kit/live.ts";
import type { RunDescription } from "../interdependencies.ts";
import { type ArrayFacts, LiveArray } from "./live_array.ts";
import { Places, type PointAxis } from "./point_axis.ts";

/** A parameter as a variable. */
export interface Parameter {
  name: string;
  dtype: LiveDtype;
  role: LiveVariable["role"];
  depends_on?: string[];
}

export class Structure {
  readonly #arrays: LiveArray[] = [];
  readonly #shareable = new Map<string, LiveArray>();
  readonly #axes = new Map<string, PointAxis>();
  readonly #dims = new Set<string>();

  constructor(readonly description: RunDescription) {}

  /** Setpoints first. */
  get variables(): LiveVariable[] {
    const all = this.#arrays.map((a) => a.variable);
    return [...all.filter((v) => v.role === "setpoint"), ...all.filter((v) => v.role === "measured")];
  }

  /** A variable of its own, on axes that are there. @param grows its first axis does */
  add(parameter: Parameter, dims: readonly string[], shape: readonly number[], grows: boolean): LiveArray {
    return this.#add(parameter, this.#freeName(parameter.name), dims, shape, grows);
  }

  /** A variable that all parameters with the same axes write, unless this one is to have its own. */
  shared(
    parameter: Parameter,
    dims: readonly string[],
    shape: readonly number[],
    { grows, own }: { grows: boolean; own: boolean },
  ): LiveArray {
    return this.#sharedBy(
      ["on", parameter.name, parameter.dtype, ...dims],
      own,
      () => this.add(parameter, dims, shape, grows),
    );
  }

  /** The coordinate of an axis of known length. */
  coordinate(parameter: Parameter, length: number, own: boolean): LiveArray {
    return this.#sharedBy(["axis", parameter.name, parameter.dtype, length], own, () => {
      const name = this.#freeName(parameter.name);
      return this.#add(parameter, name, [name], [length], false);
    });
  }

  /**
   * The axis that grows with these setpoints: named after the one that has no value twice, else `index`, on which all
   * of them lie.
   */
  pointAxis(setpoints: readonly Parameter[], named: boolean, own: boolean): PointAxis {
    const key = JSON.stringify([named, ...setpoints.map((s) => [s.name, s.dtype])]);
    const known = own ? undefined : this.#axes.get(key);
    if (known) {
      known.setpoints.forEach((array) => array.share());
      return known;
    }
    const [first] = setpoints;
    const dim = named && first
      ? this.#freeName(first.name)
      : this.#free("index", new Set([...this.#dims, ...this.description.params.keys()]));
    this.#dims.add(dim);
    const axis: PointAxis = {
      dim,
      setpoints: setpoints.map((s) => this.#add(s, named ? dim : this.#freeName(s.name), [dim], [0], true)),
      places: named ? new Places() : null,
    };
    if (!own) this.#axes.set(key, axis);
    return axis;
  }

  /** The extents of what was really measured: all variables of an axis are as long as the longest. */
  finish(): LiveChange[] {
    const lengths = new Map<string, number>();
    for (const { facts, touched } of this.#arrays) {
      facts.dims.forEach((dim, k) => lengths.set(dim, Math.max(lengths.get(dim) ?? 0, touched[k] ?? 0)));
    }
    return this.#arrays.flatMap(({ facts, shape }): LiveChange[] => {
      const extent = facts.dims.map((dim) => lengths.get(dim) ?? 0);
      const same = extent.every((n, k) => n === shape[k]);
      return same ? [] : [{ type: "extent", var: facts.name, shape: extent }];
    });
  }

  #sharedBy(key: (string | number)[], own: boolean, make: () => LiveArray): LiveArray {
    const known = own ? undefined : this.#shareable.get(JSON.stringify(key));
    known?.share();
    const array = known ?? make();
    if (!own) this.#shareable.set(JSON.stringify(key), array);
    return array;
  }

  #add(
    { name: parameter, dtype, role, depends_on = [] }: Parameter,
    name: string,
    dims: readonly string[],
    shape: readonly number[],
    grows: boolean,
  ): LiveArray {
    const facts = variableFacts(this.description, parameter, {
      name,
      dtype,
      role,
      depends_on,
      dims: [...dims],
    });
    const array = new LiveArray(facts, shape, grows);
    this.#arrays.push(array);
    return array;
  }

  /** The name of the parameter, or `x_1`, `x_2` … when other values have it. */
  #freeName(name: string): string {
    return this.#free(name, new Set(this.#arrays.map((a) => a.facts.name)));
  }

  #free(name: string, taken: ReadonlySet<string>): string {
    for (let n = 0, free = name;; free = `${name}_${++n}`) {
      if (!taken.has(free) && (n === 0 || !this.description.params.has(free))) return free;
    }
  }
}

/** A variable with unit and label of its parameter. */
export function variableFacts(
  description: RunDescription,
  parameter: string,
  facts: Pick<LiveVariable, "name" | "dtype" | "role" | "depends_on" | "dims">,
): ArrayFacts {
  const spec = description.params.get(parameter);
  return { ...facts, units: spec?.unit || null, long_name: spec?.label || null };
}
