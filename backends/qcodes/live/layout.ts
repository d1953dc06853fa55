/** All measured parameters of a run that is followed, laid out as far as its rows tell. */
import type { LiveChange, LiveVariable } from "../../../src/kit/live.ts";
import { type RunDescription, topLevelParameters } from "../interdependencies.ts";
import { targetsOf } from "../row_values.ts";
import { GridTree } from "./grid_tree.ts";
import { type TreeBatch, ValueBatch } from "./live_values.ts";
import { PointTree } from "./point_tree.ts";
import { Structure } from "./structure.ts";
import { firstFacts, learnTypes, type LiveTree, type Member, type TreeFacts } from "./tree_facts.ts";

interface Measured {
  members: Member[];
  facts: TreeFacts;
}

export class Layout {
  /** The measured parameters, in the order in which their batches are placed. */
  readonly names: readonly string[];
  readonly #measured: readonly Measured[];
  #structure: Structure;
  #trees: LiveTree[] = [];

  constructor(readonly description: RunDescription) {
    this.names = topLevelParameters(description);
    this.#measured = this.names.map((name) => {
      const members = targetsOf(description, name, () => new ValueBatch());
      return { members, facts: firstFacts(description, members) };
    });
    this.#structure = this.reset();
  }

  get variables(): LiveVariable[] {
    return this.#structure.variables;
  }

  /** Forgets the points, not what was learned of the layout. */
  reset(): Structure {
    const structure = this.#structure = new Structure(this.description);
    this.#trees = this.#measured.map(({ members, facts }) =>
      facts.grid
        ? new GridTree(structure, members, facts, facts.grid)
        : new PointTree(structure, members, facts)
    );
    return structure;
  }

  /**
   * Places new rows, one batch per measured parameter.
   * @returns null when the layout has to be another one: it is, without points, and all rows are to be placed again
   */
  place(batches: readonly TreeBatch[]): LiveChange[] | null {
    const changes: LiveChange[] = [];
    for (const [k, { facts }] of this.#measured.entries()) {
      const batch = batches[k];
      if (!batch) continue;
      const placed = learnTypes(batch, facts) ? { learned: {} } : this.#trees[k]?.place(batch);
      if (placed && "learned" in placed) {
        Object.assign(facts, placed.learned);
        this.reset();
        return null;
      }
      changes.push(...placed?.changes ?? []);
    }
    return changes;
  }

  /** Every parameter lies as in the finished file, and none has setpoints or points apart from the others. */
  get isFinal(): boolean {
    const isPlain = (name: string) => name === "index" || this.description.params.has(name);
    return this.#trees.every((tree) => tree.isFinal) &&
      this.variables.every(({ name, dims }) => isPlain(name) && dims.every(isPlain));
  }

  /** Points of all measured parameters so far. */
  get points(): number {
    return this.#trees.reduce((n, tree) => n + tree.points, 0);
  }

  /** The extents of what was measured, once the run is over. */
  finish(): LiveChange[] {
    return this.#structure.finish();
  }
}
