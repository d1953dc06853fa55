/** Frames of an array in the Zarr store, with something in place of those that are missing or damaged. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DraftLog } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { type Dtype, sizeOf, type Values } from "../../src/kit/labelled.ts";
import { Band } from "../../src/kit/zarr/band.ts";
import { elementTypeV3 } from "../../src/kit/zarr/element_type.ts";
import { openZarr, type ZarrArray } from "../../src/kit/zarr/open_zarr.ts";
import type { ImageRef } from "./beamtime_database.ts";
import { storeOf } from "./places.ts";

export interface ImageReport {
  /** False when there is nothing to write. */
  written: boolean;
  logs: DraftLog[];
  problems: ErrorData[];
}

export interface Frame {
  index: number;
  seq_num: number;
  time: number;
}

/** An array of the store: undefined when there is none, the error when it is damaged or of an unknown kind. */
export function arrayIn(databasePath: string, path: string): ZarrArray | SyncError | undefined {
  const store = storeOf(databasePath);
  // A store that is not there is one without images; one that cannot be read is a failure.
  if (!existsSync(store)) return undefined;
  try {
    const { root } = openZarr(store);
    const node = root.kind === "group" ? root.get(path) : undefined;
    return node?.kind === "array" ? node : undefined;
  } catch (e) {
    const error = SyncError.from(e);
    if (error.class !== "data") throw error;
    return error;
  }
}

/** Whether a frame is stored. */
export function hasChunk(databasePath: string, array: ZarrArray, index: number): boolean {
  return isStored(databasePath, array, [index, ...array.shape.slice(1).map(() => 0)]);
}

/** How many of the chunks are stored that a frame is made of. Writers may leave out those that hold the fill value. */
export function storedPart(databasePath: string, array: ZarrArray, index: number): "all" | "some" | "none" {
  const counts = array.shape.slice(1).map((n, k) => Math.ceil(n / (array.metadata.chunkShape[k + 1] || 1)));
  const total = sizeOf(counts);
  let stored = 0;
  for (let chunk = 0; chunk < total; chunk++) {
    const place = counts.map((n, k) => Math.floor(chunk / sizeOf(counts.slice(k + 1))) % n);
    const first = place.map((c, k) => c * (array.metadata.chunkShape[k + 1] || 1));
    if (isStored(databasePath, array, [index, ...first])) stored++;
  }
  return stored === total ? "all" : stored > 0 ? "some" : "none";
}

/** Zarr core specification 3.1, chunk key encodings; format 2 names chunks as `v2` does. */
function isStored(databasePath: string, array: ZarrArray, element: readonly number[]): boolean {
  const { chunkShape, decoding: { chunk_key_encoding: { name, configuration } } } = array.metadata;
  const coordinates = element.map((n, k) => Math.floor(n / (chunkShape[k] || 1)));
  const separator = configuration?.separator ?? (name === "default" ? "/" : ".");
  const key = (name === "default" ? ["c", ...coordinates] : coordinates).join(separator);
  return existsSync(join(storeOf(databasePath), ...array.path.split("/"), ...key.split("/")));
}

/** Reads frames in their order as one flat array. */
export class FrameReader {
  readonly frameShape: number[];
  readonly dims: string[];
  readonly dtype: Dtype;
  readonly #element: ReturnType<typeof elementTypeV3>;
  readonly #frameSize: number;
  /** Frames that turned out to be damaged. */
  readonly #damaged = new Set<number>();

  constructor(
    private readonly frames: readonly Frame[],
    private readonly array: ZarrArray | undefined,
    ref: ImageRef | undefined,
    private readonly report: ImageReport,
  ) {
    this.#element = array?.metadata.type ?? announcedType(ref?.dtype ?? "");
    this.dtype = this.#element.dtype;
    this.frameShape = array?.shape.slice(1) ?? [ref?.rows ?? 0, ref?.columns ?? 0];
    this.#frameSize = sizeOf(this.frameShape);
    this.dims = ["frame", "row", "col", ...this.frameShape.slice(2).map((_, i) => `axis_${i + 3}`)]
      .slice(0, 1 + this.frameShape.length);
  }

  async read(start: number, length: number): Promise<Values> {
    const result = new Band(this.#element, start, length);
    for (let at = start; at < start + length;) {
      const number = Math.floor(at / this.#frameSize), inside = at % this.#frameSize;
      const part = Math.min(this.#frameSize - inside, start + length - at);
      result.put(at, await this.#part(this.frames[number]?.index ?? -1, inside, part));
      at += part;
    }
    return result.values;
  }

  async #part(index: number, inside: number, length: number): Promise<Values> {
    const isStored = index >= 0 && index < (this.array?.shape[0] ?? 0);
    if (this.array && isStored && !this.#damaged.has(index)) {
      try {
        return await this.array.read(index * this.#frameSize + inside, length);
      } catch (e) {
        const error = SyncError.from(e);
        if (error.class !== "data") throw error;
        this.#damaged.add(index);
        this.report.problems.push(error.toData());
      }
    }
    const { values } = new Band(this.#element, 0, length);
    if (values instanceof Float32Array || values instanceof Float64Array) values.fill(NaN);
    return values;
  }
}

/** The type of images whose array is not there, by NumPy's name; of unknown ones f8. */
function announcedType(dtype: string): ReturnType<typeof elementTypeV3> {
  try {
    return elementTypeV3(dtype, dtype);
  } catch {
    return elementTypeV3("float64", dtype);
  }
}
