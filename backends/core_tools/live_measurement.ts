/** What is new in a measurement since the last look: first how far its arrays are, then the bytes up to there. */
import { flatBlocks } from "../../src/kit/grid/flat_blocks.ts";
import { sizeOf } from "../../src/kit/labelled.ts";
import type { LiveContext, LiveEnd, LiveLook, LiveOpen, LivePatch } from "../../src/kit/live.ts";
import { runningLayout } from "./arrays.ts";
import { areSame, type Axis, bothWritten, writtenOf } from "./axes.ts";
import type { Database } from "./connection.ts";
import { readStored, SCATTERED } from "./large_object.ts";
import { openOf } from "./live_open.ts";
import { type ArrayProgress, isAnother, type Progress, progressOf, readProgress } from "./live_progress.ts";
import { readMeasurementRow } from "./overview.ts";
import { findParameters, type ParameterPlace } from "./parameter_table.ts";
import { describeServer, type Server } from "./server.ts";

/** Values of one look: 4 MiB. */
const MOST_VALUES = 512 * 1024;
/** Looks after the end in which values that the cursors promise are still waited for. */
const PATIENCE = 10;

/** One variable that is followed. */
interface Followed {
  name: string;
  shape: number[];
  /** Position of its parameter among those of the measurement. */
  index: number;
  oid: string | null;
  stride: number;
  /** Values given. */
  given: number;
  /** Values that are written when its parameter is up to `cursor`. */
  writtenAt(cursor: number): number;
}

interface Structure {
  place: ParameterPlace | null;
  open: LiveOpen;
  arrays: ArrayProgress[];
  /** Setpoints before what was measured. */
  followed: Followed[];
  /** Axes that are one until their values differ, and up to where they were compared. */
  shared: { known: Side; axis: Side; compared: number }[];
}

/** One of two axes that share a name. */
interface Side {
  axis: Axis;
  index: number;
}

export class LiveMeasurement {
  #structure: Structure | undefined;
  #uuid = "";
  #shortLooks = 0;

  constructor(
    private readonly db: Database,
    private readonly server: Server,
    private readonly id: string,
    private readonly context: LiveContext,
  ) {}

  /** @throws SyncError; whatever the database throws; ObjectDenied. Nothing of a look that failed counts as given. */
  async look(): Promise<LiveLook> {
    let structure = this.#structure ?? await this.#open();
    let progress = await readProgress(this.db, structure.place, this.#uuid);
    if (
      progress &&
      (isAnother(structure.arrays, progress.arrays) || await this.#haveParted(structure, progress))
    ) {
      structure = await this.#open();
      progress = await readProgress(this.db, structure.place, this.#uuid);
      if (progress && isAnother(structure.arrays, progress.arrays)) return { changes: [], more: true };
    }
    if (!progress) return { changes: [], end: this.#lost() };
    const isNew = structure !== this.#structure;
    const { patches, missing, more } = await this.#values(structure, progress);
    structure.arrays = progress.arrays;
    this.#structure = structure;
    const look: LiveLook = { changes: isNew ? [structure.open, ...patches] : patches };
    if (more) return { ...look, more };
    if (!progress.completed || missing > 0 && ++this.#shortLooks < PATIENCE) return look;
    return { ...look, end: completedAt(progress.arrays, missing) };
  }

  /** The structure as it is now; nothing of it was given. @throws SyncError data `measurement_missing` */
  async #open(): Promise<Structure> {
    const measurement = await readMeasurementRow(this.db, this.server, this.id);
    this.#uuid = measurement.uuid;
    const { place, parameters } = await findParameters(this.db, measurement);
    const layout = await runningLayout(this.db, parameters);
    const side = (axis: Axis): Side => ({ axis, index: parameters.indexOf(axis.setpoint) });
    const axes = [...layout.axes].map(([name, axis]): Followed => ({
      ...{ name, shape: [axis.length], ...side(axis), oid: axis.setpoint.oid, stride: axis.stride, given: 0 },
      writtenAt: (cursor) => writtenOf(axis, cursor),
    }));
    const measured = layout.measured.map(({ name, shape, parameter }): Followed => ({
      ...{ name, shape, index: parameters.indexOf(parameter), oid: parameter.oid, stride: 1, given: 0 },
      writtenAt: (cursor) => Math.min(sizeOf(shape), Math.max(0, cursor)),
    }));
    return {
      place,
      open: openOf(measurement, layout, this.context.timeZone),
      arrays: parameters.map(progressOf),
      followed: [...axes, ...measured],
      shared: layout.shared.map(({ known, axis }) => ({
        ...{ known: side(known), axis: side(axis), compared: bothWritten(known, axis) },
      })),
    };
  }

  /** Whether two axes that were one till now are two. */
  async #haveParted({ shared }: Structure, { arrays }: Progress): Promise<boolean> {
    for (const pair of shared) {
      const written = [pair.known, pair.axis].map(({ axis, index }) =>
        writtenOf(axis, arrays[index]?.cursor ?? 0)
      );
      const count = Math.min(...written, pair.compared + SCATTERED) - pair.compared;
      if (count <= 0) continue;
      const [a, b] = await Promise.all(
        [pair.known, pair.axis].map(({ axis }) =>
          this.#stored({ oid: axis.setpoint.oid, stride: axis.stride }, pair.compared, count)
        ),
      );
      const both = Math.min(a?.length ?? 0, b?.length ?? 0);
      if (!a || !b || !areSame(a.subarray(0, both), b.subarray(0, both))) return true;
      pair.compared += both;
    }
    return false;
  }

  /** The values that the cursors passed since the last look. */
  async #values(
    { followed }: Structure,
    { arrays }: Progress,
  ): Promise<{ patches: LivePatch[]; missing: number; more: boolean }> {
    let [room, missing, more] = [MOST_VALUES, 0, false];
    const due: { variable: Followed; wanted: number }[] = [];
    for (const variable of followed) {
      const ahead = variable.writtenAt(arrays[variable.index]?.cursor ?? 0) - variable.given;
      const wanted = Math.min(ahead, room, variable.stride === 1 ? MOST_VALUES : SCATTERED);
      if (wanted < ahead) more = true;
      if (wanted <= 0) continue;
      room -= wanted;
      due.push({ variable, wanted });
    }
    // Sent at once, answered one after the other.
    const values = await Promise.all(
      due.map(({ variable, wanted }) => this.#stored(variable, variable.given, wanted)),
    );
    const patches = due.flatMap(({ variable, wanted }, i) => {
      const stored = values[i] ?? new Float64Array(0);
      missing += wanted - stored.length;
      const from = variable.given;
      variable.given += stored.length;
      return [...flatBlocks(variable.shape, from, variable.given)].map((
        { offset, shape, start, length },
      ) => ({
        ...{ type: "patch" as const, var: variable.name, offset, shape },
        values: stored.slice(start - from, start - from + length),
      }));
    });
    // What is missing is waited for at the usual pace.
    return { patches, missing, more: more && missing === 0 };
  }

  async #stored(
    { oid, stride }: { oid: string | null; stride: number },
    start: number,
    count: number,
  ): Promise<Float64Array> {
    return oid === null ? new Float64Array(0) : await readStored(this.db, { oid, stride }, start, count);
  }

  #lost(): LiveEnd {
    return {
      reason: "lost",
      evidence: `measurement ${this.id} is no longer in ${describeServer(this.server)}`,
      complete: false,
    };
  }
}

function completedAt(arrays: readonly ArrayProgress[], missing: number): LiveEnd {
  const points = Math.max(0, ...arrays.map(({ cursor }) => cursor));
  const given = missing === 0
    ? `all values up to write_cursor ${points} were read`
    : `${missing} values that write_cursor counts are not stored`;
  return { reason: "completed", evidence: `completed = true and ${given}`, complete: missing === 0 };
}
