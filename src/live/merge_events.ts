/**
 * Patches and growing extents of one epoch, merged for a subscriber that lags: the same cells, each with its newest
 * value, in fewer events (E8). The reader may be cut off after any of them: what is said with `seq` holds everything up
 * to it, so that it can go on from there.
 */
import { dataOf, encoded } from "./block_data.ts";
import { type Box, union } from "./box.ts";
import { copyBox, type FilledBox } from "./copy_box.ts";
import type { ExtentEvent, PatchEvent, Variable } from "./live_event.ts";
import { cellBytes } from "./variable_cells.ts";

export type Mergeable = PatchEvent | ExtentEvent;

/** Several patches as one: its box is exactly their cells. */
interface Patches {
  type: "patch";
  var: string;
  box: Box;
  /** The first event that is in it. */
  seq_from: number;
}

interface Extents {
  type: "extent";
  var: string;
  /** The newest. */
  shape: readonly number[];
  seq_from: number;
}

/** How many of the last boxes a patch is compared with: runs are filled in order. */
const COMPARED = 8;

/**
 * @param events in order, at least one; extents only grow
 * @param dtypeOf type of a variable
 */
export function mergeEvents(
  events: readonly Mergeable[],
  dtypeOf: (variable: string) => Variable["dtype"],
): Mergeable[] {
  const last = events.at(-1);
  if (!last) return [];
  const written = Map.groupBy(
    events.flatMap((event): (FilledBox & { name: string })[] =>
      event.type === "patch" ? [{ name: event.var, box: event, data: dataOf(event, dtypeOf(event.var)) }] : []
    ),
    ({ name }) => name,
  );
  const groups = grouped(events);
  return groups.map((group, i): Mergeable => {
    // Everything before the next group's first event is in this one or in those before it.
    const seq = (groups[i + 1]?.seq_from ?? last.seq + 1) - 1;
    const { session, epoch, t } = last;
    const from = group.seq_from === seq ? {} : { seq_from: group.seq_from };
    const stamp = { session, epoch, seq, t, ...from, var: group.var };
    if (group.type === "extent") return { type: "extent", ...stamp, shape: [...group.shape] };
    const dtype = dtypeOf(group.var);
    const { offset, shape } = group.box;
    // The newest value of each cell, also where events of another group hold it.
    const data = copyBox(written.get(group.var) ?? [], group.box, cellBytes(dtype));
    return { type: "patch", ...stamp, offset: [...offset], shape: [...shape], ...encoded(dtype, data) };
  });
}

/** In order of their first events. */
function grouped(events: readonly Mergeable[]): (Patches | Extents)[] {
  const groups: (Patches | Extents)[] = [];
  const extents = new Map<string, Extents>();
  const recent = new Map<string, Patches[]>();
  for (const event of events) {
    const seq_from = event.seq_from ?? event.seq;
    if (event.type === "extent") {
      const known = extents.get(event.var);
      if (known) {
        known.shape = event.shape;
        continue;
      }
      const group: Extents = { type: "extent", var: event.var, shape: event.shape, seq_from };
      extents.set(event.var, group);
      groups.push(group);
      // A box from before must not reach beyond the extent that was known then.
      recent.delete(event.var);
      continue;
    }
    const boxes = recent.get(event.var) ?? [];
    recent.set(event.var, boxes);
    if (boxes.slice(-COMPARED).reverse().some((group) => joins(group, event))) continue;
    const group: Patches = { type: "patch", var: event.var, box: event, seq_from };
    boxes.push(group);
    groups.push(group);
  }
  return groups;
}

function joins(group: Patches, event: PatchEvent): boolean {
  const joined = union(group.box, event);
  if (joined) group.box = joined;
  return joined !== undefined;
}
