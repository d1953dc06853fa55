/** Shrinking by area average, on white, and turning upright. */
import type { Pixels } from "./decode_image.ts";

/** Opaque 8-bit pixels in RGBA order (alpha always 255), rows from the top. */
export interface OpaqueImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * Shrinks so that the longest side is at most `longest` pixels (never enlarges), lays it on white and turns it
 * by its EXIF orientation. Memory: the result and one row.
 */
export function shrinkImage(image: Pixels, longest: number): OpaqueImage {
  const factor = Math.min(1, longest / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * factor));
  const height = Math.max(1, Math.round(image.height * factor));
  return turnUpright({ width, height, data: averageAreas(image, width, height) }, image.orientation);
}

/** Each output pixel is the mean of the rectangle of input pixels that it covers, parts of pixels included. */
function averageAreas(image: Pixels, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height * 4).fill(255);
  const sum = new Float64Array(width * 3);
  const row = new Float64Array(width * 3);
  const stepX = image.width / width;
  const stepY = image.height / height;
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    const top = y * stepY;
    const bottom = top + stepY;
    for (let sy = Math.floor(top); sy < Math.min(image.height, Math.ceil(bottom - 1e-9)); sy++) {
      averageRow(image, sy, stepX, row);
      const weight = (Math.min(bottom, sy + 1) - Math.max(top, sy)) / stepY;
      for (let i = 0; i < row.length; i++) sum[i] = sum[i]! + row[i]! * weight;
    }
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) out[(y * width + x) * 4 + c] = Math.min(255, Math.round(sum[x * 3 + c]!));
    }
  }
  return out;
}

function averageRow(image: Pixels, y: number, step: number, row: Float64Array) {
  const { rgba, width } = image;
  for (let x = 0; x * 3 < row.length; x++) {
    const left = x * step;
    const right = left + step;
    let r = 0;
    let g = 0;
    let b = 0;
    for (let sx = Math.floor(left); sx < Math.min(width, Math.ceil(right - 1e-9)); sx++) {
      const i = (y * width + sx) * 4;
      const weight = (Math.min(right, sx + 1) - Math.max(left, sx)) / step;
      const opaque = weight * rgba[i + 3]! / 255;
      const white = 255 * (weight - opaque);
      r += rgba[i]! * opaque + white;
      g += rgba[i + 1]! * opaque + white;
      b += rgba[i + 2]! * opaque + white;
    }
    row[x * 3] = r;
    row[x * 3 + 1] = g;
    row[x * 3 + 2] = b;
  }
}

/**
 * EXIF orientation as (swap axes, mirror x, mirror y) of the stored picture, read from the upright one.
 * Source: EXIF 2.32, tag 0x0112.
 */
const ORIENTATIONS: Record<number, [swap: boolean, flipX: boolean, flipY: boolean]> = {
  2: [false, true, false],
  3: [false, true, true],
  4: [false, false, true],
  5: [true, false, false],
  6: [true, false, true],
  7: [true, true, true],
  8: [true, true, false],
};

function turnUpright(image: OpaqueImage, orientation: number): OpaqueImage {
  const turn = ORIENTATIONS[orientation];
  if (!turn) return image;
  const [swap, flipX, flipY] = turn;
  const width = swap ? image.height : image.width;
  const height = swap ? image.width : image.height;
  const from = new Uint32Array(image.data.buffer);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = swap ? y : x;
      const b = swap ? x : y;
      const sx = flipX ? image.width - 1 - a : a;
      const sy = flipY ? image.height - 1 - b : b;
      to[y * width + x] = from[sy * image.width + sx]!;
    }
  }
  return { width, height, data: new Uint8Array(to.buffer) };
}
