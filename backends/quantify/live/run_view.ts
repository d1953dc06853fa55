/** What the stream knows of a run, and what a new state of its file changes in that. */
import { basename } from "node:path";
import { itemBytes, type NumericDtype } from "../../../src/kit/grid/dtypes.ts";
import { type AttrValue, sizeOf } from "../../../src/kit/labelled.ts";
import type { LiveChange, LiveOpen, LiveValues } from "../../../src/kit/live.ts";
import { parseContainerName } from "../container_name.ts";
import { POINTS } from "../grid.ts";
import type { Measurement, Variable } from "../measurement.ts";
import { BLOCK } from "./cell_store.ts";
import { liveValues } from "./cell_values.ts";
import type { Reading } from "./data_file.ts";
import { Layout, type StoredVariable } from "./layout.ts";
import { PointTable, type Run, TableColumn } from "./point_table.ts";

/** Bytes that one look reads of a large file. */
const SLICE_BYTES = 4 << 20;
/** Files up to this size are read as a whole at each look. */
const WHOLE_BYTES = 256 << 10;
/** Cells of each variable that are read at a time around the last change of a large file. */
const FRONTIER = 8 * BLOCK;
/** Bytes reckoned for a text. */
const TEXT_BYTES = 64;

/** Variables that are read together, row by row. */
interface Part {
  variables: StoredVariable[];
  table: PointTable;
  /** Bytes of all variables at one cell. */
  rowBytes: number;
  /** Where the sweep over this state of the file began, and how many cells it has seen. */
  start: number;
  seen: number;
  /** How many cells were seen since NaN was last judged by the evidence. */
  judged: number;
  /** Cell after which the last change was found. */
  frontier: number;
  /** Whether the frontier was looked at in this state of the file. */
  isFresh: boolean;
}

export class RunView implements Disposable {
  #layout: Layout | undefined;
  #structure = "";
  /** The variables along the points first. */
  #parts: Part[] = [];
  /** Changes to be told before all others. */
  #pending: LiveChange[] = [];

  /**
   * @param folder of the container
   * @param temp private folder
   * @param attributes told of the run besides its own
   */
  constructor(
    readonly folder: string,
    readonly temp: string,
    readonly attributes: Record<string, unknown>,
  ) {}

  /** Everything of this state of the file was seen. */
  get isComplete(): boolean {
    return this.#layout !== undefined && this.#parts.every(({ seen, table }) => seen >= table.length);
  }

  /** Every cell was seen in some state of the file. */
  get isKnown(): boolean {
    return this.#layout !== undefined && this.#parts.every(({ table }) => table.isKnown);
  }

  /** Every cell is written, and there are some. */
  get isFull(): boolean {
    const measured = this.#parts.filter(({ variables, table }) =>
      table.length > 0 && variables.some((v) => !v.isSetpoint)
    );
    return this.isKnown && measured.length > 0 && measured.every(({ table }) => table.isFull);
  }

  /** Number of points. */
  get points(): number {
    return this.#parts[0]?.table.length ?? 0;
  }

  /**
   * Takes over the structure of a new state of the file.
   * @throws SyncError busy when the file is another one now; nothing has changed then
   */
  begin(reading: Reading): void {
    const { measurement } = reading;
    const structure = structureOf(measurement), points = pointsOf(measurement);
    const isOther = structure !== this.#structure || this.#layout?.isGrid && points !== this.points;
    if (!this.#layout || isOther) return this.#restart(reading);
    const [part] = this.#parts;
    if (part && points !== part.table.length) {
      part.table.resize(points);
      this.#pending.push(...this.#layout.extents(points));
    }
    for (const part of this.#parts) {
      part.start = part.table.length === 0 ? 0 : blockOf(part.start + part.seen) % part.table.length;
      if (part.start % BLOCK > 0) part.start = 0;
      part.seen = 0;
      part.isFresh = true;
    }
  }

  /**
   * Reads what is to be seen next of the state that was begun: first where the last change was, which is where the next
   * one is, mostly; then all the rest, slice by slice.
   * @throws SyncError busy when the file is another one now; what was found before is to be told all the same
   */
  take(reading: Reading): void {
    const columns = new Map(reading.measurement.variables.map((v) => [v.name, v]));
    const fresh = this.#bytes > WHOLE_BYTES ? this.#parts.filter(({ isFresh }) => isFresh) : [];
    for (const part of fresh) {
      part.isFresh = false;
      this.#lookAtFrontier(part, columns, reading);
    }
    // What was found at the frontier is told before the rest is looked at.
    if (this.#pending.length > 0 && fresh.length > 0) return;
    const slices = this.#nextSlices();
    const values = reading.consistent(() =>
      slices.map(({ part, from, to }) => read(part, from, to, columns))
    );
    for (const [k, { part, from, to }] of slices.entries()) {
      if (!this.#take(part, from, values[k] ?? [])) return this.#restart(reading);
      part.seen += to - from;
      part.judged += to - from;
    }
    for (const part of this.#parts) if (part.judged >= part.table.length) this.#promote(part);
  }

  /** What one look can read of what is still to be seen. */
  #nextSlices(): { part: Part; from: number; to: number }[] {
    let budget = SLICE_BYTES;
    return this.#parts.flatMap((part) => {
      const slices: { part: Part; from: number; to: number }[] = [];
      let { seen } = part;
      while (seen < part.table.length && budget > 0) {
        const { from, to } = nextSlice(part, seen, budget);
        slices.push({ part, from, to });
        seen += to - from;
        budget -= (to - from) * part.rowBytes;
      }
      return slices;
    });
  }

  /** What was found and not told yet. */
  told(): LiveChange[] {
    return this.#pending.splice(0);
  }

  get #bytes(): number {
    return this.#parts.reduce((sum, { table, rowBytes }) => sum + table.length * rowBytes, 0);
  }

  /** The structure is another one: everything is told anew. */
  #restart(reading: Reading): void {
    const { measurement } = reading;
    const points = pointsOf(measurement);
    const { layout, parts } = reading.consistent(() => {
      const layout = new Layout(measurement);
      const others = layout.others.map((v) => this.#part([v], sizeOf(v.shape)));
      return { layout, parts: [this.#part(layout.points, layout.points.length > 0 ? points : 0), ...others] };
    });
    this[Symbol.dispose]();
    this.#parts = parts;
    this.#layout = layout;
    this.#structure = structureOf(measurement);
    this.#pending = [this.#open(layout, measurement), ...layout.axisPatches()];
  }

  #part(variables: StoredVariable[], length: number): Part {
    const table = new PointTable(
      variables.map(({ type, isSetpoint, column }) => {
        const own = new TableColumn(type, !isSetpoint, this.temp);
        if (length > 0) own.fill.learn(liveValues(column.read(length - 1, 1), type));
        return own;
      }),
    );
    table.resize(length);
    const rowBytes = variables.reduce((sum, { column: { dtype } }) => sum + bytesOf(dtype), 0);
    return { variables, table, rowBytes, start: 0, seen: 0, judged: 0, frontier: 0, isFresh: false };
  }

  #open(layout: Layout, { attrs }: Measurement): LiveOpen {
    const container = parseContainerName(basename(this.folder));
    const stored = attrs.name || attrs.dataset_name;
    const name = container?.name || (typeof stored === "string" ? stored.trim() : "") || container?.tuid ||
      "";
    const own = Object.entries(attrs).map(([key, value]) => [key, plain(value)] as const);
    return {
      type: "open",
      name,
      attrs: { ...Object.fromEntries(own), tuid: container?.tuid, ...this.attributes },
      variables: layout.variables,
    };
  }

  /** Where something changed last, something changes next, mostly. */
  #lookAtFrontier(part: Part, columns: ReadonlyMap<string, Variable>, reading: Reading): void {
    const { table } = part;
    let bytes = 0;
    let from = Math.max(0, blockOf(Math.min(part.frontier, table.length)) - BLOCK);
    while (from < table.length && bytes < SLICE_BYTES / 2) {
      const to = Math.min(from + FRONTIER, table.length);
      const [first, last] = [from, to];
      const values = reading.consistent(() => read(part, first, last, columns));
      if (!this.#take(part, from, values)) return this.#restart(reading);
      bytes += (to - from) * part.rowBytes;
      if (part.frontier < to - BLOCK) return;
      from = to;
    }
  }

  /** Takes over values of a part from a cell on. @returns false when the run has another structure now */
  #take(part: Part, from: number, values: LiveValues[]): boolean {
    const layout = this.#layout as Layout;
    const runs = part.table.scan(from, values);
    const isPoints = part === this.#parts[0];
    const rewritten = [...part.table.rewritten];
    part.table.rewritten.clear();
    if (isPoints && rewritten.some((point) => layout.makesGrid(point))) return false;
    this.#tell(part, runs, from, values);
    return true;
  }

  #tell(part: Part, runs: readonly Run[][], from: number, values: LiveValues[]): void {
    const layout = this.#layout as Layout;
    const last = Math.max(
      -1,
      ...runs.map((own, k) => part.variables[k]?.isSetpoint ? -1 : own.at(-1)?.to ?? -1),
    );
    if (last >= 0) part.frontier = last - 1;
    const window = { from, values };
    const [variable] = part.variables;
    const patches = part === this.#parts[0]
      ? layout.pointPatches(runs, window)
      : variable
      ? layout.otherPatches(variable, runs[0] ?? [], window)
      : [];
    this.#pending.push(...patches);
  }

  /** Tells of cells that turn out to be readings, out of what is remembered. */
  #promote(part: Part): void {
    part.judged = 0;
    const runs = part.table.promote();
    const from = Math.min(...runs.flat().map((run) => run.from)),
      to = Math.max(...runs.flat().map((run) => run.to));
    if (!(from < to)) return;
    for (let at = blockOf(from); at < to; at += FRONTIER) {
      const end = Math.min(at + FRONTIER, part.table.length);
      const inside = runs.map((own) =>
        own.filter((run) => run.from < end && run.to > at)
          .map((run) => ({ from: Math.max(run.from, at), to: Math.min(run.to, end) }))
      );
      const values = part.table.columns.map(({ store }) => store.read(at, end - at).slice());
      this.#tell(part, inside, at, values);
    }
  }

  [Symbol.dispose](): void {
    for (const { table } of this.#parts) table[Symbol.dispose]();
    this.#parts = [];
  }
}

function read(part: Part, from: number, to: number, columns: ReadonlyMap<string, Variable>): LiveValues[] {
  return part.variables.map(({ name, type }) =>
    liveValues(columns.get(name)?.column.read(from, to - from) ?? [], type)
  );
}

const blockOf = (cell: number) => cell - cell % BLOCK;

/** The next cells of the sweep, which begins anywhere and goes around once. */
function nextSlice(
  { start, table, rowBytes }: Part,
  seen: number,
  budget: number,
): { from: number; to: number } {
  const from = (start + seen) % table.length;
  const most = Math.max(1, Math.floor(budget / rowBytes / BLOCK)) * BLOCK;
  return { from, to: Math.min(from + most, from < start ? start : table.length) };
}

function pointsOf({ variables }: Measurement): number {
  return variables.find((v) => v.dims.length === 1 && v.dims[0] === POINTS)?.shape[0] ?? 0;
}

/** Text that is another one when variables, their types, labels or axes are others; the number of points does not count. */
function structureOf({ variables }: Measurement): string {
  return JSON.stringify(variables.map(({ name, dims, shape, attrs, role, column }) => {
    const lengths = dims.length === 1 && dims[0] === POINTS ? null : shape;
    return [name, dims, lengths, role, column.dtype, attrs.units, attrs.long_name];
  }));
}

function bytesOf(dtype: NumericDtype | "text"): number {
  return dtype === "text" ? TEXT_BYTES : itemBytes(dtype);
}

/** An attribute as JSON holds it. */
function plain(value: AttrValue): unknown {
  if (typeof value === "bigint") return number(value);
  if (!ArrayBuffer.isView(value)) return value;
  const list = Array.from(value as ArrayLike<number | bigint>, number);
  return list.length === 1 ? list[0] : list;
}

function number(value: number | bigint): number | string {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}
