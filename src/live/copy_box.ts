import { type Box, eachRun, intersection, sizeOf, stridesOf } from "./box.ts";
import type { CellData } from "./variable_cells.ts";

/** A box with its values in C order. */
export interface FilledBox {
  box: Box;
  data: CellData;
}

/**
 * The values of a box, taken from others; where several hold a cell, the last one counts.
 * @param cellBytes bytes of a cell, 0 for texts
 */
export function copyBox(from: Iterable<FilledBox>, box: Box, cellBytes: number): CellData {
  const cells = sizeOf(box.shape);
  const bytes = new Uint8Array(cells * cellBytes);
  const texts: string[] = cellBytes === 0 ? new Array<string>(cells).fill("") : [];
  const strides = stridesOf(box.shape);
  for (const { box: source, data } of from) {
    const common = intersection(box, source);
    if (!common) continue;
    const targets: number[] = [];
    eachRun(relativeTo(box, common), strides, (cell) => targets.push(cell));
    let run = 0;
    eachRun(relativeTo(source, common), stridesOf(source.shape), (cell, _index, length) => {
      const target = targets[run++] ?? 0;
      if (data instanceof Uint8Array) {
        bytes.set(data.subarray(cell * cellBytes, (cell + length) * cellBytes), target * cellBytes);
      } else {
        for (let i = 0; i < length; i++) texts[target + i] = data[cell + i] ?? "";
      }
    });
  }
  return cellBytes === 0 ? texts : bytes;
}

function relativeTo(origin: Box, box: Box): Box {
  return { offset: box.offset.map((from, axis) => from - (origin.offset[axis] ?? 0)), shape: box.shape };
}
