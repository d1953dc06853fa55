/** The images of one field as a netCDF file, frame by frame. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DraftLog } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { DistinctNames, netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import { type Dtype, sizeOf, type Values } from "../../src/kit/labelled.ts";
import { Band } from "../../src/kit/zarr/band.ts";
import { elementTypeV3 } from "../../src/kit/zarr/element_type.ts";
import { openZarr, type ZarrArray } from "../../src/kit/zarr/open_zarr.ts";
import type { StoredStack } from "./activity.ts";
import type { ImageRef, Run } from "./beamtime_database.ts";
import { fieldAttributes } from "./field_attributes.ts";
import { storeOf } from "./places.ts";
import { coordinates, runAttributes } from "./stream_file.ts";

/** The images of one field that lie in one array. */
export interface ImageField {
  field: string;
  group: string;
  /** In the order of their frames. */
  refs: ImageRef[];
}

/**
 * Groups image rows by field and array, and adds arrays that no row tells of: the images of a run whose writer died or
 * still writes.
 */
export function imageFields(
  run: Run,
  refs: readonly ImageRef[],
  stacks: readonly StoredStack[],
): ImageField[] {
  const fields = new Map<string, ImageField>();
  for (const ref of refs) {
    const known = fields.get(`${ref.field}\0${ref.group}`);
    if (known) known.refs.push(ref);
    else fields.set(`${ref.field}\0${ref.group}`, { field: ref.field, group: ref.group, refs: [ref] });
  }
  const groups = new Set([...fields.values()].map((f) => f.group));
  const unknown = stacks.map(({ field }) => ({ field, group: `runs/${run.uid}/${field}`, refs: [] }))
    .filter(({ group }) => !groups.has(group));
  return [...fields.values(), ...unknown];
}

export interface ImageReport {
  /** False when there is nothing to write. */
  written: boolean;
  logs: DraftLog[];
  problems: ErrorData[];
}

interface Frame {
  index: number;
  seq_num: number;
  time: number;
}

/**
 * Writes dims `frame`, `row`, `col` in the stored type. A row without a frame gives a frame of NaN (0 for integers), a
 * damaged frame too; a frame without row, in a run that did not end, has seq_num -1 and no time.
 * @param keys what the streams say of the field
 */
export async function writeImages(
  path: string,
  databasePath: string,
  run: Run,
  { field, group, refs }: ImageField,
  keys: unknown,
): Promise<ImageReport> {
  const report: ImageReport = { written: false, logs: [], problems: [] };
  const found = arrayIn(databasePath, group);
  if (found instanceof SyncError) {
    report.problems.push(found.toData());
    return report;
  }
  const array = found !== undefined && found.shape.length > 0 && found.dtype !== "text" ? found : undefined;
  const frames = refs.map(({ index, seq_num, time }): Frame => ({ index, seq_num, time }));
  if (run.exit_status === null && array) frames.push(...framesWithoutRow(databasePath, array, refs));
  if (frames.length === 0) return report;
  const stored = array?.shape[0] ?? 0;
  const extra = frames.length - refs.length;
  if (extra > 0) {
    report.logs.push({
      code: "frames_without_event",
      message: `images/${field}: ${extra} frames have no event yet`,
    });
  }
  const missing = frames.filter(({ index }) => index < 0 || index >= stored).length;
  if (missing > 0) {
    report.logs.push({
      code: "image_missing",
      message:
        `images/${field}: ${missing} of ${frames.length} frames are not in ${group} (${stored} frames)`,
    });
  }
  const reader = new FrameReader(frames, array, refs[0], report);
  const names = new DistinctNames();
  for (const dim of reader.dims) names.take(dim);
  const beside = coordinates(
    "frame",
    BigInt64Array.from(frames, (f) => BigInt(Math.trunc(f.seq_num))),
    Float64Array.from(frames, (f) => f.time),
    names,
  );
  await writeNetcdf(path, {
    arrays: [...beside, {
      name: names.take(netcdfName(field)),
      dims: reader.dims,
      shape: [frames.length, ...reader.frameShape],
      dtype: reader.dtype,
      data: (start, length) => reader.read(start, length),
      attrs: fieldAttributes(field, keys),
      role: "data",
    }],
    attrs: runAttributes(run, { field, zarr_group: group }),
  });
  report.written = true;
  return report;
}

/** An array of the store: undefined when there is none, the error when it is damaged or of an unknown kind. */
function arrayIn(databasePath: string, path: string): ZarrArray | SyncError | undefined {
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

/** The frames behind the last row. */
function framesWithoutRow(databasePath: string, array: ZarrArray, refs: readonly ImageRef[]): Frame[] {
  const first = Math.max(-1, ...refs.slice(-1).map((ref) => ref.index)) + 1;
  const frames: Frame[] = [];
  for (let index = first; index < (array.shape[0] ?? 0); index++) {
    // A writer that died between growing the array and storing the frame leaves a place without an image.
    if (hasChunk(databasePath, array, index)) frames.push({ index, seq_num: -1, time: NaN });
  }
  return frames;
}

/** Zarr core specification 3.1, chunk key encodings; format 2 names chunks as `v2` does. */
function hasChunk(databasePath: string, array: ZarrArray, index: number): boolean {
  const { chunkShape, decoding: { chunk_key_encoding: { name, configuration } } } = array.metadata;
  const coordinates = [Math.floor(index / (chunkShape[0] || 1)), ...array.shape.slice(1).map(() => 0)];
  const separator = configuration?.separator ?? (name === "default" ? "/" : ".");
  const key = (name === "default" ? ["c", ...coordinates] : coordinates).join(separator);
  return existsSync(join(storeOf(databasePath), ...array.path.split("/"), ...key.split("/")));
}

/** Reads frames in their order as one flat array. */
class FrameReader {
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
