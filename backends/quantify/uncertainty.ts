/** Standard deviations beside their variables (rule B10). */
import type { Measurement } from "./measurement.ts";

const SUFFIX = "_u";

/** Marks `<v>` and `<v>_u`: `__std` names the deviation of a variable, `__is_std` tells what a deviation is. */
export function markUncertainties(measurement: Measurement): Measurement {
  const names = new Set(measurement.variables.map((v) => v.name));
  const variables = measurement.variables.map((v) => {
    const deviation = v.name + SUFFIX;
    const marks = {
      ...(names.has(deviation) ? { __std: deviation } : {}),
      ...(v.name.endsWith(SUFFIX) && names.has(v.name.slice(0, -SUFFIX.length)) ? { __is_std: 1n } : {}),
    };
    return { ...v, attrs: { ...v.attrs, ...marks } };
  });
  return { ...measurement, variables };
}
