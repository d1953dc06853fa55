/** An HDF5 file that its writer has open for single writer, multiple readers. */
import { scaleIds, scaleKind, textOf } from "../../../src/kit/hdf5_live/dimension_scales.ts";
import { openHdf5Live } from "../../../src/kit/hdf5_live/open.ts";
import type { LiveAttribute, LiveHdf5Dataset, LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import type { LiveChange, LiveEnd, LiveVariable } from "../../../src/kit/live.ts";
import { DatasetFollower } from "./dataset_follower.ts";
import type { FileLook, FileStructure, FollowedFile } from "./followed_file.ts";
import { liveDtype } from "./live_cells.ts";

const MOST_DATASETS = 1000;
const MOST_LEVELS = 16;
/** A row of a dataset is read at once. */
const LARGEST_ROW = 16 * 1024 * 1024;
/** Blocks per look that are searched for values that changed later. */
const SWEEP_BLOCKS = 64;
const BARREN_LOOKS = 2;
/** A file that was quiet for this long is looked at once more. */
const REST_MS = 2000;
const FILTERS = new Set([1, 2, 3]);

interface Found {
  id: number;
  /** Path without the first `/`. */
  name: string;
  dataset: LiveHdf5Dataset;
}

export class SwmrFile implements FollowedFile {
  readonly #file: LiveHdf5File;
  readonly #replacements: number;
  #followers: DatasetFollower[] = [];
  #again = true;
  /** Looks in a row that found nothing new in a changed file. */
  #barren = 0;
  /** When the last value was given. */
  #moved = Date.now();
  /** What was read by a look that failed later on. */
  readonly #pending: LiveChange[] = [];
  /** The writer has finished; what is left is given. */
  #ending: "rest" | "sweep" | undefined;
  #unswept: DatasetFollower[] = [];

  /** @throws SyncError */
  constructor(readonly path: string) {
    this.#file = openHdf5Live(path);
    this.#replacements = this.#file.replacements;
  }

  structure(): FileStructure {
    return this.#file.consistent(() => {
      const found = this.#datasets();
      const names = new Map(found.map(({ id, name }) => [id, name]));
      const kinds = new Map(found.map(({ id, dataset }) => [id, scaleKind(dataset)]));
      this.#followers = [];
      const variables = found.flatMap(({ id, name, dataset }): LiveVariable[] => {
        const dtype = dataset.dtype && liveDtype(dataset.dtype);
        if (!dtype || kinds.get(id) === "dimension_only" || !isFollowable(dataset)) return [];
        const follower = new DatasetFollower(this.#file, dataset, name, dtype);
        this.#followers.push(follower);
        const isScale = kinds.get(id) === "scale";
        const scales = scaleIds(dataset).map((ids) => ids.find((i) => names.has(i)));
        const dims = dataset.shape.map((_, axis) =>
          isScale && dataset.shape.length === 1
            ? name
            : names.get(scales[axis] ?? -1) ?? `${name}_dim_${axis}`
        );
        const setpoints = isScale ? [] : scales.filter((i) => i !== undefined && kinds.get(i) === "scale");
        return [{
          name,
          dtype,
          dims,
          shape: [...follower.progress.extent],
          role: isScale ? "setpoint" : "measured",
          units: textOf(dataset, "units") ?? null,
          long_name: textOf(dataset, "long_name") ?? null,
          depends_on: [...new Set(setpoints.map((i) => names.get(i ?? -1) ?? ""))].filter((n) => n !== name),
        }];
      });
      return { variables: withKnownSetpoints(variables), attrs: plainAttributes(this.#file.attributes("/")) };
    });
  }

  look(): FileLook {
    if (!this.#file.changed() && !this.#again) return { changes: [] };
    // Until this look has succeeded, the next one has to read, too.
    this.#again = true;
    this.#file.consistent(() => {});
    if (this.#file.replacements !== this.#replacements) return { changes: [], anew: true };
    const isClosed = !this.#file.swmr && !this.#file.openForWriting;
    const { more, end } = this.#ending === "sweep" ? this.#sweepAll() : this.#lookAll(isClosed);
    this.#again = more;
    if (this.#pending.length > 0) this.#moved = Date.now();
    return { changes: this.#pending.splice(0), ...(more ? { more } : {}), ...(end ? { end } : {}) };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #lookAll(isClosed: boolean): { more: boolean; end?: LiveEnd } {
    const final = isClosed || this.#ending !== undefined;
    const rested = Date.now() - this.#moved >= REST_MS;
    let more = false;
    for (const follower of this.#followers) {
      const look = follower.look(final, rested);
      this.#pending.push(...look.changes);
      more ||= look.more;
    }
    if (final && !more) {
      this.#ending = "sweep";
      this.#unswept = [...this.#followers];
      this.#unswept.forEach((follower) => follower.rewind());
    } else if (this.#allCompleted()) this.#ending = "rest";
    if (this.#ending !== undefined) return { more: true };
    this.#barren = this.#pending.length === 0 ? this.#barren + 1 : 0;
    // It changed and nothing is new: then something old may be another one.
    const quiet = this.#barren >= BARREN_LOOKS;
    for (const follower of this.#followers) {
      if (quiet) this.#pending.push(...follower.sweep(SWEEP_BLOCKS, false).changes);
      else if (follower.isUnordered) {
        this.#pending.push(...follower.watch(SWEEP_BLOCKS, performance.now()));
      }
    }
    return { more };
  }

  /** Before the end everything is compared once more. */
  #sweepAll(): { more: boolean; end?: LiveEnd } {
    const [follower] = this.#unswept;
    if (!follower) return { more: false, end: this.#end() };
    const look = follower.sweep(SWEEP_BLOCKS, true);
    this.#pending.push(...look.changes);
    if (!look.more) this.#unswept.shift();
    return { more: true };
  }

  #allCompleted(): boolean {
    const stated = this.#followers.map((f) => f.progress.completed).filter((c) => c !== undefined);
    return stated.length > 0 && stated.every((completed) => completed);
  }

  #end(): LiveEnd {
    const cells = this.#followers.reduce((sum, f) => sum + sizeOf(f.progress.extent), 0);
    const sign = this.#file.swmr
      ? "completed = 1 on its datasets"
      : "the file is closed: its SWMR flag is cleared";
    return { reason: "completed", evidence: `${sign}; ${cells} values were read`, complete: true };
  }

  #datasets(): Found[] {
    const found: Found[] = [], seen = new Set<number>();
    const visit = (group: string, level: number) => {
      for (const { path, kind, id } of this.#file.members(group)) {
        if (seen.has(id) || found.length >= MOST_DATASETS) continue;
        seen.add(id);
        if (kind === "group" && level < MOST_LEVELS) visit(path, level + 1);
        if (kind === "dataset") found.push({ id, name: path.slice(1), dataset: this.#file.dataset(path) });
      }
    };
    visit("/", 0);
    return found;
  }
}

function isFollowable(dataset: LiveHdf5Dataset): boolean {
  const row = sizeOf(dataset.shape.slice(1)) * dataset.type.bytes;
  return dataset.shape.length > 0 && dataset.layout !== "other" && row <= LARGEST_ROW &&
    dataset.filters.every((id) => FILTERS.has(id));
}

/** Only what is a variable can be depended on. */
function withKnownSetpoints(variables: LiveVariable[]): LiveVariable[] {
  const setpoints = new Set(variables.filter((v) => v.role === "setpoint").map((v) => v.name));
  return variables.map((v) => ({ ...v, depends_on: v.depends_on.filter((name) => setpoints.has(name)) }));
}

function plainAttributes(attributes: LiveAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.flatMap(({ name, values }): [string, unknown][] => {
    if (name.startsWith("_NC") || name.startsWith("_Netcdf4")) return [];
    if (Array.isArray(values)) {
      return values.every((v) => typeof v === "string") ? [[name, only(values)]] : [];
    }
    return ArrayBuffer.isView(values)
      ? [[name, only(Array.from<number | bigint, number>(values, Number))]]
      : [];
  }));
}

function only<T>(values: T[]): T | T[] {
  return values.length === 1 && values[0] !== undefined ? values[0] : values;
}
