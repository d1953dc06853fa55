/** How far a dataset is written, by what stands in its attributes. */
import { numbersOf } from "../../../src/kit/hdf5_live/dimension_scales.ts";
import type { LiveHdf5Dataset } from "../../../src/kit/hdf5_live/types.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";

export interface Progress {
  /** True extent: that of `__shape` where it is given, else that of the dataset. */
  extent: number[];
  /** Cells in C order that the writer has passed; undefined when it does not say. */
  passed: number | undefined;
  /** Rows that are complete, by the cursor. */
  passedRows: number | undefined;
  /** The writer says that the dataset is complete; undefined when it says nothing. */
  completed: boolean | undefined;
}

/**
 * qdrive's collector writes `__shape` and in `__cursor` the place of the next write; other writers leave `__shape`
 * out, and `__cursor` is the place of the last one.
 */
export function progressOf(dataset: LiveHdf5Dataset): Progress {
  const { shape } = dataset;
  const cursor = numbersOf(dataset, "__cursor"), stated = numbersOf(dataset, "__shape");
  const completed = numbersOf(dataset, "completed")?.[0];
  const valid = stated?.length === shape.length &&
    stated.every((n, axis) => n >= 0 && n <= (shape[axis] ?? 0));
  const extent = valid ? [...stated] : [...shape];
  const known = cursor && cursor.length > 0 && cursor.length <= shape.length ? cursor : undefined;
  // Where the cursor is that of the last write, its first place may also mean that there was none yet.
  const last = !stated && known?.some((n) => n > 0);
  const passed = known && cellsBefore(known, extent, last ? 1 : 0);
  const row = Math.max(1, sizeOf(extent.slice(1)));
  // The row of the next write may still become longer.
  const passedRows = stated ? known?.[0] : passed && Math.floor(passed / row);
  return { extent, passed, passedRows, completed: completed === undefined ? undefined : completed !== 0 };
}

/** The last axes of a cursor that is shorter than the extent are written at once. */
function cellsBefore(cursor: number[], extent: number[], more: number): number {
  const position = cursor.reduce((flat, n, axis) => flat * (extent[axis] ?? 1) + n, 0) + more;
  return Math.max(0, Math.min(position * sizeOf(extent.slice(cursor.length)), sizeOf(extent)));
}
