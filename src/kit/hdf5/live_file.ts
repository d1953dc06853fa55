/**
 * The local file of a running measurement, for viewers on this machine: HDF5 that can be read while it grows (SWMR), in
 * the form of qdrive's live datasets.
 *
 *     with h5py.File("…/measurement.hdf5", "r", swmr=True) as file:
 *         rows, columns = file["current"].attrs["__shape"]
 *         print(file["current"][:rows, :columns])
 *
 * Datasets are stored larger than the data and padded with NaN: `__shape` is the true extent. What was applied is
 * visible to other processes at once: values first, then the header that tells of them. Nothing is compressed, since a
 * compressed chunk can not change in place under a reader.
 */
import { join } from "node:path";
import { SyncError } from "../errors.ts";
import type { LiveChange, LiveOpen, LivePatch, LiveValues } from "../live.ts";
import { layLiveFile, type LiveFileLayout } from "./live_file_layout.ts";
import { longest, type StoredPart } from "./live_file_parts.ts";
import { GrowingFile } from "./swmr/growing_file.ts";
import type { GrowingDataset } from "./swmr/growing_dataset.ts";

export const LIVE_FILE = "measurement.hdf5";
/** Lies beside the file while its structure is being written; viewers wait until it is gone. */
const LOCK = ".lock";

export class LiveFile implements Disposable {
  readonly path: string;
  readonly #folder: string;
  #open?: { file: GrowingFile; layout: LiveFileLayout; parts: Map<string, StoredPart[]> };

  /** @param folder made when needed; its live file of an earlier run is replaced */
  constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, LIVE_FILE);
  }

  /**
   * Applies changes in order; `open` begins a new file in place of the one before. Changes of variables that the file
   * does not hold (text) are passed over.
   * @throws SyncError of class local: `live_file_failed`, `live_file_too_large`; the file is removed then, and nothing
   * more is written until the next `open`
   */
  apply(changes: readonly LiveChange[]): void {
    this.#guarded(() => {
      const touched = new Set<GrowingDataset>();
      for (const change of changes) {
        if (change.type === "open") {
          touched.clear();
          this.#begin(change);
        } else {
          for (const { dataset, part, variable } of this.#open?.parts.get(change.var) ?? []) {
            touched.add(dataset);
            if (change.type === "extent") dataset.setExtent(change.shape);
            else dataset.write(change, partOf(change, variable.dtype === "c16" ? 2 : 1, part));
          }
        }
      }
      this.#settle(touched);
    });
  }

  /**
   * Ends the file: datasets are cut to their true extent and `completed`, and the file is an ordinary one from now on.
   * @throws SyncError `live_file_failed`
   */
  finish(): void {
    this.#guarded(() => {
      if (!this.#open) return;
      const { file, layout } = this.#open;
      for (const { dataset, axes } of layout.parts) {
        dataset.complete(axes.map(({ scale, uses }) => Math.max(scale.extent[0]!, longest(uses))));
        dataset.settle();
      }
      for (const { scale } of layout.dimensions.filter(({ bare }) => bare)) {
        scale.complete(scale.extent);
        scale.settle();
      }
      file.writeSuperblock(layout.root, false);
      this[Symbol.dispose]();
    });
  }

  /** Closes and removes the file. */
  discard(): void {
    this[Symbol.dispose]();
    for (const name of [LIVE_FILE, LOCK]) removeIfThere(join(this.#folder, name));
  }

  /** Leaves the file as it is, unfinished. */
  [Symbol.dispose](): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #begin(open: LiveOpen): void {
    Deno.mkdirSync(this.#folder, { recursive: true });
    const lock = join(this.#folder, LOCK);
    Deno.writeFileSync(lock, new Uint8Array());
    const temporary = `${this.path}.${crypto.randomUUID().slice(0, 8)}.part`;
    const file = new GrowingFile(temporary);
    try {
      const layout = layLiveFile(file, open);
      file.writeSuperblock(layout.root, true);
      Deno.renameSync(temporary, this.path);
      this[Symbol.dispose]();
      this.#open = { file, layout, parts: Map.groupBy(layout.parts, ({ variable }) => variable.name) };
    } catch (error) {
      file.close();
      removeIfThere(temporary);
      throw error;
    }
    Deno.removeSync(lock);
  }

  #settle(touched: Set<GrowingDataset>): void {
    if (!this.#open || touched.size === 0) return;
    const { file, layout } = this.#open;
    for (const { scale, uses } of layout.dimensions.filter(({ bare }) => bare)) {
      const extent = longest(uses);
      if (extent === scale.extent[0]) continue;
      scale.setExtent([extent]);
      touched.add(scale);
    }
    for (const dataset of touched) dataset.settle();
    if (file.grew) file.writeSuperblock(layout.root, true);
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.discard();
      if (error instanceof SyncError) throw error;
      throw new SyncError("local", "live_file_failed", `${this.path}: ${messageOf(error)}`, {
        hint:
          "Check free space and permissions of the agent's folder; the measurement is followed without this file.",
        cause: error,
      });
    }
  }
}

/** The numbers of one part of a complex variable, or of all of another one; 64-bit integers as float64. */
function partOf({ values }: LivePatch, parts: 1 | 2, part: 0 | 1): Float64Array {
  const numbers = numbersOf(values);
  return parts === 1
    ? numbers
    : Float64Array.from({ length: numbers.length / 2 }, (_, i) => numbers[2 * i + part]!);
}

function numbersOf(values: LiveValues): Float64Array {
  if (values instanceof Float64Array) return values;
  return Float64Array.from(values as ArrayLike<bigint | string>, Number);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Not there, or its folder is what fails; the folder is a cache that is emptied later.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
