/**
 * A subscriber for tests: applies what a live session gives to a model of the measurement, and refuses what does not
 * fit it. A session is followed with `drain`, as the agent would, without any engine:
 *
 *     const replay = new LiveReplay();
 *     await replay.drain(session, { until: () => replay.writtenCount("current") === 100 });
 *     replay.assertWrittenOnce();
 *     assertEquals(replay.differences(await netcdfContent(truth)), []);
 */
import type { LiveChange, LiveEnd, LiveOpen, LiveSession, LiveVariable } from "../src/kit/live.ts";
import { type LabelledDataset, sizeOf, type Values } from "../src/kit/labelled.ts";
import { type LiveCell, LiveCells } from "./live_cells.ts";
import { WakeUp } from "./wake_up.ts";

/** Longest tick of the clocks of usual file systems, with some air. */
const CLOCK_TICK_MS = 25;

/** An array to compare with: flat in C order, complex as pairs; what netcdfContent and `truthOf` give. */
export interface TruthArray {
  shape: number[] | null;
  values: unknown[];
}

export interface DrainOptions {
  /** Looks until this holds or the session ends; without it until two looks find nothing new. */
  until?: () => boolean;
  /** Looks after which it fails (default 600). */
  maxLooks?: number;
}

export class LiveReplay {
  /** Everything that was applied, in order. */
  readonly journal: LiveChange[] = [];
  /** Reasons of the looks that could not read. */
  readonly delays: string[] = [];
  end?: LiveEnd;
  looks = 0;
  /** Structures so far; more than 1 = the run began anew. */
  epochs = 0;
  #open?: LiveOpen;
  #cells = new Map<string, LiveCells>();

  /** @throws Error if nothing was opened yet */
  get structure(): LiveOpen {
    if (!this.#open) throw new Error("the session gave no structure yet");
    return this.#open;
  }

  get names(): string[] {
    return [...this.#cells.keys()];
  }

  variable(name: string): LiveVariable {
    return this.#of(name).variable;
  }

  /** @throws Error if a change does not fit what is known */
  apply(changes: readonly LiveChange[]): void {
    for (const change of changes) {
      if (this.end) throw new Error(`a ${change.type} came after the end`);
      this.journal.push(change);
      if (change.type === "open") this.#begin(change);
      else if (change.type === "patch") this.#of(change.var).write(change);
      else this.#of(change.var).resize(change);
    }
  }

  /** Looks again and again, woken by the files that the session names and at its pace; ends as the options say. */
  async drain(session: LiveSession, { until, maxLooks = 600 }: DrainOptions = {}): Promise<this> {
    using wake = new WakeUp(session.watch);
    let nothingNew = false;
    for (let i = 0; i < maxLooks; i++) {
      const { changes, end, more, delayed } = await session.look();
      this.looks++;
      this.apply(changes);
      if (delayed !== undefined) this.delays.push(delayed);
      this.end = end;
      if (end || until?.()) return this;
      if (more) continue;
      if (until || changes.length > 0 || delayed !== undefined) nothingNew = false;
      else if (nothingNew) return this;
      else {
        // A write within the tick of the file system's clock is seen when that has passed.
        nothingNew = true;
        await new Promise((resolve) => setTimeout(resolve, CLOCK_TICK_MS));
        continue;
      }
      await wake.next(session.poll.active);
    }
    throw new Error(`after ${maxLooks} looks: ${this.summary()}; delayed by ${this.delays.slice(-3)}`);
  }

  /** True extent of a variable. */
  shape(name: string): number[] {
    return [...this.#of(name).shape];
  }

  /** Flat numbers in C order (integers as numbers, complex as pairs), NaN where nothing was written. */
  array(name: string): number[] {
    return this.#of(name).values().map(Number);
  }

  /** Flat values as they came: text as strings, 64-bit integers as bigint; NaN or "" where nothing was written. */
  cells(name: string): LiveCell[] {
    return this.#of(name).values();
  }

  /** Which cells were written, flat in C order. */
  written(name: string): boolean[] {
    return this.writes(name).map((n) => n > 0);
  }

  /** How often each cell was written, flat in C order. */
  writes(name: string): number[] {
    return this.#of(name).writes();
  }

  /** Cells that were written; 0 for a variable that is not known (yet). */
  writtenCount(name: string): number {
    return this.#cells.get(name)?.writes().filter((n) => n > 0).length ?? 0;
  }

  /** For formats whose values never change: no cell was written twice. @throws Error that names the first one */
  assertWrittenOnce(names: string[] = this.names): void {
    for (const name of names) {
      const at = this.writes(name).findIndex((n) => n > 1);
      if (at >= 0) throw new Error(`cell ${at} of ${name} was written ${this.writes(name)[at]} times`);
    }
  }

  /** Every cell of the extents was written, at least once. @throws Error that names the first one */
  assertWhole(names: string[] = this.names): void {
    for (const name of names) {
      const at = this.writes(name).indexOf(0);
      if (at >= 0) throw new Error(`cell ${at} of ${name} (${this.shape(name)}) was never written`);
    }
  }

  /**
   * One sentence per variable that is another one in the truth; what was never written is NaN there. A truth variable
   * that the session does not have is a difference too; `names` restricts the comparison.
   */
  differences(
    truth: { variables: Record<string, TruthArray> },
    names: string[] = [...new Set([...this.names, ...Object.keys(truth.variables)])],
  ): string[] {
    return names.flatMap((name) => {
      const [live, expected] = [this.#cells.get(name), truth.variables[name]];
      if (!live || !expected) return [`${name} is not in the ${live ? "truth" : "session"}`];
      const shape = expected.shape ?? [];
      if (`${live.shape}` !== `${shape}`) return [`${name} has shape ${live.shape}, expected ${shape}`];
      const found = live.values();
      const at = expected.values.findIndex((value, i) => !isSame(found[i], value));
      return at < 0 ? [] : [`${name} holds ${found[at]} at ${at}, expected ${expected.values[at]}`];
    });
  }

  /** Names, shapes and written cells, for messages. */
  summary(): string {
    const parts = this.names.map((name) =>
      `${name} [${this.shape(name)}] ${this.writtenCount(name)} written`
    );
    return parts.join(", ") || "no structure";
  }

  #begin(open: LiveOpen): void {
    this.epochs++;
    this.#open = open;
    this.#cells = new Map(open.variables.map((v) => [v.name, new LiveCells(v)]));
    if (this.#cells.size < open.variables.length) throw new Error(`two variables of one name: ${this.names}`);
    for (const { name, depends_on } of open.variables) {
      for (const setpoint of depends_on) {
        if (this.#cells.get(setpoint)?.variable.role === "setpoint") continue;
        throw new Error(`${name} depends on ${setpoint}, which is no setpoint of the run`);
      }
    }
  }

  #of(name: string): LiveCells {
    const cells = this.#cells.get(name);
    if (!cells) throw new Error(`${name} is no variable of the run (${this.names})`);
    return cells;
  }
}

/** The arrays of a labelled dataset, to compare with. */
export async function truthOf(dataset: LabelledDataset): Promise<{ variables: Record<string, TruthArray> }> {
  const variables: Record<string, TruthArray> = {};
  for (const { name, shape, data } of dataset.arrays) {
    const values: Values = typeof data === "function" ? await data(0, sizeOf(shape)) : data;
    variables[name] = { shape, values: Array.from<unknown>(values) };
  }
  return { variables };
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof b === "boolean") b = Number(b);
  if (typeof a === "bigint" && typeof b === "bigint") return a === b;
  if (typeof a === "string" || typeof b === "string") return a === b;
  return Object.is(Number(a), Number(b)) || Number(a) === Number(b);
}
