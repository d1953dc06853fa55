/** Complex numbers whose parts are stored apart. */
import type { Column } from "../../src/kit/grid/column.ts";

/** Joins two columns of f8 of equal length; undefined when one is missing. */
export function complexColumn(real: Column | undefined, imaginary: Column | undefined): Column | undefined {
  if (!real || !imaginary) return undefined;
  return {
    dtype: "c16",
    length: real.length,
    read: (start, length) => {
      const values = new Float64Array(2 * length);
      const re = real.read(start, length) as Float64Array, im = imaginary.read(start, length) as Float64Array;
      for (let i = 0; i < length; i++) {
        values[2 * i] = re[i] ?? NaN;
        values[2 * i + 1] = im[i] ?? NaN;
      }
      return values;
    },
  };
}
