/** Ranges of flat C-order positions as blocks of an array. */
import { sizeOf } from "../labelled.ts";

/** A block of an array: where it begins and how far it reaches, per axis. */
export interface Box {
  offset: number[];
  shape: number[];
}

/**
 * The fewest blocks that cover `count` cells from flat position `start` on, in C order, so that the values of the
 * range are theirs one after the other. The first axis may be longer than `shape` says.
 */
export function boxesOf(start: number, count: number, shape: readonly number[]): Box[] {
  if (count === 0) return [];
  if (shape.length === 0) return [{ offset: [], shape: [] }];
  if (shape.length === 1) return [{ offset: [start], shape: [count] }];
  const inner = shape.slice(1);
  const stride = sizeOf(inner);
  const boxes: Box[] = [];
  const part = (at: number, length: number) => {
    for (const box of boxesOf(at % stride, length, inner)) {
      boxes.push({ offset: [Math.floor(at / stride), ...box.offset], shape: [1, ...box.shape] });
    }
  };
  const end = start + count;
  const firstWhole = Math.ceil(start / stride), endWhole = Math.floor(end / stride);
  if (endWhole < firstWhole) {
    part(start, count);
    return boxes;
  }
  if (start < firstWhole * stride) part(start, firstWhole * stride - start);
  if (firstWhole < endWhole) {
    boxes.push({ offset: [firstWhole, ...inner.map(() => 0)], shape: [endWhole - firstWhole, ...inner] });
  }
  if (endWhole * stride < end) part(endWhole * stride, end - endWhole * stride);
  return boxes;
}
