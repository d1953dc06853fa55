/** A run that is over, in the layout of its file: what it is could not be known while it was measured. */
import type { LiveChange, LiveVariable } from "../../../src/kit/live.ts";
import { boxesOf } from "../../../src/kit/grid/c_order_boxes.ts";
import { CHUNK, type Column } from "../../../src/kit/grid/column.ts";
import { scatter } from "../../../src/kit/grid/scatter.ts";
import { Scratch } from "../../../src/kit/grid/scratch.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import type { ReadOnlyDatabase } from "../../../src/kit/sqlite/read_only_database.ts";
import { arrange, type Arranged } from "../arrange.ts";
import { collectTree } from "../collect.ts";
import type { Run } from "../database.ts";
import { type RunDescription, topLevelParameters } from "../interdependencies.ts";
import { joinAll, type PlacedVariable, placedVariables } from "../join.ts";
import { liveDtypeOf, sliceOf, ValueBatch } from "./live_values.ts";
import { variableFacts } from "./structure.ts";

export interface Finished {
  variables: LiveVariable[];
  patches: LiveChange[];
  /** The points are listed in the order of measuring. */
  isList: boolean;
}

/**
 * Lays out all points of a run as its file does. A cell without a point is left out, as nothing was measured there.
 * @param folder for temporary files
 * @returns null when the file has points of a grid with holes, gathered, or groups of points that share no coordinates
 */
export function finishedLayout(
  db: ReadOnlyDatabase,
  run: Run,
  description: RunDescription,
  folder: string,
): Finished | null {
  using scratch = new Scratch(folder);
  const arranged = topLevelParameters(description).map((name) =>
    arrange(collectTree(db, run, description, name, scratch), description, scratch)
  );
  if (arranged.some((a) => a.form.kind === "multi")) return null;
  const [block, ...apart] = joinAll(arranged, scratch);
  if (!block || apart.length > 0) return null;
  const coordinates = [...block.axes.values()].map(({ name, values }): PlacedVariable => ({
    name,
    column: values,
    role: "coordinate",
    dims: [name],
    shape: [values.length],
    place: null,
  }));
  const all = [...coordinates, ...placedVariables(block)];
  const isSetpoint = new Set([...description.dependsOn.values()].flat());
  const finished: Finished = {
    variables: [],
    patches: [],
    isList: arranged.every((a) => a.form.kind === "index"),
  };
  for (const placed of all) {
    const { name, dims, shape } = placed;
    const facts = variableFacts(description, name, {
      name,
      dtype: liveDtypeOf(placed.column.dtype),
      role: isSetpoint.has(name) ? "setpoint" : "measured",
      depends_on: isSetpoint.has(name) ? [] : setpointsOf(arranged, description, name),
      dims,
    });
    finished.variables.push({ ...facts, shape });
    finished.patches.push(...patchesOf(placed, facts, scratch));
  }
  return finished;
}

/** Of the measured parameter itself, or of the first one to which an inferred one belongs. */
function setpointsOf(arranged: readonly Arranged[], description: RunDescription, name: string): string[] {
  const owner = arranged.find((a) => a.variables.some((v) => v.name === name))?.name ?? name;
  return description.dependsOn.get(owner) ?? [];
}

function patchesOf(
  { column, place, shape }: PlacedVariable,
  { name, dtype }: Omit<LiveVariable, "shape">,
  scratch: Scratch,
): LiveChange[] {
  const size = sizeOf(shape);
  const written = writtenCells(column, place, size);
  const { dtype: stored, data } = scatter(column, place, size, scratch);
  const changes: LiveChange[] = [];
  for (let start = 0; start < size; start += CHUNK) {
    const length = Math.min(CHUNK, size - start);
    const part = new ValueBatch();
    part.append(stored, typeof data === "function" ? data(start, length) : data.slice(start, start + length));
    const values = part.values(dtype);
    for (let from = 0; from < length;) {
      if (written && !written[start + from]) {
        from++;
        continue;
      }
      let to = from + 1;
      while (to < length && (!written || written[start + to])) to++;
      let at = from;
      for (const box of boxesOf(start + from, to - from, shape)) {
        const count = sizeOf(box.shape);
        changes.push({ type: "patch", var: name, ...box, values: sliceOf(values, dtype, at, count) });
        at += count;
      }
      from = to;
    }
  }
  return changes;
}

/** null when all are. */
function writtenCells(column: Column, place: PlacedVariable["place"], size: number): Uint8Array | null {
  if (column.length === size) return null;
  const written = new Uint8Array(size);
  if (!place) return written.fill(1, 0, column.length);
  for (let start = 0; start < column.length; start += CHUNK) {
    for (const cell of place(start, Math.min(CHUNK, column.length - start))) written[cell] = 1;
  }
  return written;
}
