/** The images of one field as a netCDF file, frame by frame. */
import { SyncError } from "../../src/kit/errors.ts";
import { DistinctNames, netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import type { ZarrArray } from "../../src/kit/zarr/open_zarr.ts";
import type { StoredStack } from "./activity.ts";
import type { ImageRef, Run } from "./beamtime_database.ts";
import { fieldAttributes } from "./field_attributes.ts";
import { arrayIn, type Frame, FrameReader, hasChunk, type ImageReport } from "./stored_frames.ts";
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
