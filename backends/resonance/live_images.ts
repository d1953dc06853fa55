/** The images of a running run, frame by frame as they appear in the store. */
import { DistinctNames, netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { flatBlocks } from "../../src/kit/grid/flat_blocks.ts";
import { sizeOf, type Values } from "../../src/kit/labelled.ts";
import type { LiveChange, LivePatch, LiveValues, LiveVariable } from "../../src/kit/live.ts";
import type { ZarrArray } from "../../src/kit/zarr/open_zarr.ts";
import { liveDtype } from "./live_variables.ts";
import { arrayIn, storedPart } from "./stored_frames.ts";

/** A frame that cannot be decoded for this long is damaged, not half written, ms. */
const TORN_MS = 3000;
/** Places looked at for a frame behind one that is missing. */
const AHEAD = 64;

/** Event of a frame. */
export interface FrameEvent {
  seq_num: number;
  /** Unix seconds. */
  time: number;
}

/** One stack. */
export class LiveImages {
  #array: ZarrArray | undefined;
  #variables: { image: LiveVariable; seq_num: LiveVariable; time: LiveVariable } | undefined;
  /** Frames that are there according to the metadata. */
  frames = 0;
  /** Values given, flat. */
  #given = 0;
  /** Extent that was told. */
  #told = 0;
  /** When the next frame was first found undecodable, ms since 1970 UTC. */
  #torn: number | undefined;
  readonly #events = new Map<number, FrameEvent>();
  /** Frames whose event is known and was not given. */
  #fresh: number[] = [];
  #shape: number[] = [];
  /** Frames up to the last of which a committed row tells. */
  #committed = 0;

  /** @param group path of the array in the store */
  constructor(private readonly database: string, readonly field: string, readonly group: string) {}

  /** @param frames of the stack as its metadata say now @returns why it cannot be read now */
  refresh(frames: number): string | undefined {
    if (this.#array && frames === this.frames) return undefined;
    const array = arrayIn(this.database, this.group);
    if (array instanceof SyncError) return array.message;
    if (!array || array.dtype === "text" || array.shape.length === 0) return undefined;
    this.#array = array;
    this.frames = array.shape[0] ?? 0;
    return undefined;
  }

  /** Whether it can be shown. */
  get isKnown(): boolean {
    return this.#array !== undefined;
  }

  /** Whether frames of another size or type are there than were opened. */
  get isAnother(): boolean {
    const [array, opened] = [this.#array, this.#variables?.image];
    if (!array || !opened) return array !== undefined;
    return liveDtype(array.dtype) !== opened.dtype || `${array.shape.slice(1)}` !== `${this.#shape.slice(1)}`;
  }

  /** @param committed there is a row that says so: the frame is there */
  setEvent(frame: number, event: FrameEvent, committed?: "committed"): void {
    if (committed) this.#committed = Math.max(this.#committed, frame + 1);
    if (this.#events.has(frame)) return;
    this.#events.set(frame, event);
    this.#fresh.push(frame);
  }

  /** All frames are given anew. */
  open(names: DistinctNames): LiveVariable[] {
    const array = this.#array;
    if (!array) return [];
    const name = names.take(netcdfName(this.field));
    this.#shape = array.shape;
    this.#given = this.#told = 0;
    this.#fresh = [...this.#events.keys()];
    const dims = array.shape.map((_, axis) =>
      `${name}.${["frame", "row", "col"][axis] ?? `axis_${axis + 1}`}`
    );
    const seq_num: LiveVariable = {
      ...{
        name: names.take(`${name}.seq_num`),
        dtype: "i8",
        dims: dims.slice(0, 1),
        shape: [0],
        role: "setpoint",
      },
      ...{ units: null, long_name: "number of the event in the run", depends_on: [] },
    };
    const time: LiveVariable = {
      ...{
        name: names.take(`${name}.time`),
        dtype: "f8",
        dims: dims.slice(0, 1),
        shape: [0],
        role: "setpoint",
      },
      ...{ units: "s", long_name: "unix time of the event", depends_on: [] },
    };
    const image: LiveVariable = {
      ...{ name, dtype: liveDtype(array.dtype), dims, shape: [0, ...array.shape.slice(1)], role: "measured" },
      ...{ units: null, long_name: this.field, depends_on: [seq_num.name] },
    };
    this.#variables = { image, seq_num, time };
    return [seq_num, time, image];
  }

  /** Frames that were given as a whole. */
  get givenFrames(): number {
    return Math.floor(this.#given / (sizeOf(this.#shape.slice(1)) || 1));
  }

  /** Values that were given. */
  get given(): number {
    return this.#given;
  }

  /**
   * What was not given yet, at most `room` values.
   * @param isOver nothing more will be written
   */
  async changes(
    room: number,
    { isOver, now }: { isOver: boolean; now: number },
  ): Promise<{ changes: LiveChange[]; taken: number; more: boolean; delayed?: string }> {
    const [array, variables] = [this.#array, this.#variables];
    if (!array || !variables) return { changes: [], taken: 0, more: false };
    const changes: LiveChange[] = [];
    const size = sizeOf(this.#shape.slice(1));
    let [taken, delayed]: [number, string | undefined] = [0, undefined];
    const ready = this.#ready(array, isOver ? this.frames : this.#committed);
    while (size > 0 && taken < room && this.#given < ready * size) {
      const length = Math.min(room - taken, size - this.#given % size);
      const values = await this.#read(array, length, now);
      if (typeof values === "string") {
        delayed = values;
        break;
      }
      if (values) {
        changes.push(...patchesOf(variables.image, [ready, ...this.#shape.slice(1)], this.#given, values));
      }
      // A damaged frame is passed over; the file that the run becomes says so.
      this.#given += values ? length : size - this.#given % size;
      taken += length;
    }
    const told = size === 0 ? ready : Math.ceil(this.#given / size);
    if (told > this.#told) {
      this.#told = told;
      changes.push({ type: "extent", var: variables.image.name, shape: [told, ...this.#shape.slice(1)] });
    }
    changes.push(...this.#eventChanges(variables));
    const more = delayed === undefined && this.#given < ready * size;
    return { changes, taken, more, ...(delayed === undefined ? {} : { delayed }) };
  }

  /** Frames from the first one on that are wholly there. */
  #ready(array: ZarrArray, certain: number): number {
    // Where a chunk holds several frames, the newest may be a place that was only made.
    const sharesChunks = (array.metadata.chunkShape[0] ?? 1) > 1;
    const end = sharesChunks ? this.frames - 1 : this.frames;
    let ready = Math.min(this.frames, Math.max(this.givenFrames, certain));
    for (; ready < end; ready++) {
      if (storedPart(this.database, array, ready) === "all") continue;
      // Of a chunk that holds nothing but the fill value only a frame behind tells that it will not come.
      const ahead = Array.from({ length: Math.min(AHEAD, end - ready - 1) }, (_, i) => ready + 1 + i);
      if (ahead.every((index) => storedPart(this.database, array, index) === "none")) break;
    }
    return ready;
  }

  /** undefined for a damaged frame, a sentence for one that may be half written. */
  async #read(array: ZarrArray, length: number, now: number): Promise<LiveValues | string | undefined> {
    try {
      const values = liveValues(await array.read(this.#given, length));
      this.#torn = undefined;
      return values;
    } catch (e) {
      const error = SyncError.from(e);
      if (error.class !== "data") throw error;
      // What was decoded of it is not to be used again.
      this.#array = undefined;
      this.#torn ??= now;
      if (now - this.#torn < TORN_MS) return error.message;
      this.#torn = undefined;
      return undefined;
    }
  }

  *#eventChanges({ seq_num, time }: { seq_num: LiveVariable; time: LiveVariable }): Generator<LivePatch> {
    for (const frame of this.#fresh.splice(0)) {
      const event = this.#events.get(frame);
      if (!event) continue;
      const place = { type: "patch" as const, offset: [frame], shape: [1] };
      yield { ...place, var: seq_num.name, values: BigInt64Array.of(BigInt(Math.trunc(event.seq_num))) };
      yield { ...place, var: time.name, values: Float64Array.of(event.time) };
    }
  }
}

function* patchesOf(
  { name, dtype }: LiveVariable,
  shape: number[],
  from: number,
  values: LiveValues,
): Generator<LivePatch> {
  const width = dtype === "c16" ? 2 : 1;
  for (
    const { offset, shape: extent, start, length } of flatBlocks(shape, from, from + values.length / width)
  ) {
    const [begin, end] = [(start - from) * width, (start - from + length) * width];
    yield { type: "patch", var: name, offset, shape: extent, values: values.slice(begin, end) };
  }
}

/** Integers of 64 bits stay integers where they are signed; all else is doubles. */
function liveValues(values: Values): LiveValues {
  if (Array.isArray(values) || values instanceof BigInt64Array) return values;
  return values instanceof BigUint64Array ? Float64Array.from(values, Number) : Float64Array.from(values);
}
