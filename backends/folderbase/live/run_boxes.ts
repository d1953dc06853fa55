/** A run of cells in C order as boxes, since patches are boxes. */

export interface Box {
  offset: number[];
  shape: number[];
}

/** The fewest boxes, in order, that cover the cells `start` to `start + length` of an array. */
export function* runBoxes(
  shape: readonly number[],
  start: number,
  length: number,
): Generator<Box, void, undefined> {
  // Cells from one index of an axis to the next one.
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  for (let at = start, end = start + length; at < end;) {
    const offset = strides.map((stride, axis) => Math.floor(at / stride) % Math.max(1, shape[axis] ?? 1));
    // The outermost axis along which whole slices follow.
    const axis = strides.findIndex((stride) => at % stride === 0 && end - at >= stride);
    const stride = strides[axis] ?? 1;
    const count = Math.min(Math.floor((end - at) / stride), (shape[axis] ?? 1) - (offset[axis] ?? 0));
    yield { offset, shape: shape.map((n, i) => i < axis ? 1 : i === axis ? count : n) };
    at += count * stride;
  }
}
