/** Names of the dimensions of the arrays in one group. */
import type { ZarrArray } from "../../src/kit/zarr/open_zarr.ts";

/**
 * The stored names, or `<array>_dim_<i>` for dimensions without one. Where two arrays disagree about the length of a
 * dimension, the one that indexes it (else the first) keeps the name and the other's dimension is renamed in the same
 * way, so that no data are lost; this is logged.
 */
export function dimensionNames(
  arrays: Map<string, ZarrArray>,
  log: (message: string) => void,
): Map<string, string[]> {
  const owners = new Map<string, { length: number; array: string }>();
  const isIndex = (name: string, array: ZarrArray) =>
    array.shape.length === 1 && array.metadata.dims[0] === name;
  for (const [name, array] of arrays) {
    if (isIndex(name, array)) owners.set(name, { length: array.shape[0] ?? 0, array: name });
  }
  return new Map([...arrays].map(([name, array]) => {
    const dims = array.shape.map((length, axis) => {
      const stored = array.metadata.dims[axis];
      const fallback = () => unused(`${name}_dim_${axis}`, length, owners);
      if (stored === undefined) return fallback();
      const owner = owners.get(stored);
      if (owner === undefined) owners.set(stored, { length, array: name });
      if (owner === undefined || owner.length === length) return stored;
      const renamed = fallback();
      log(
        `dimension "${stored}" has length ${length} in "${array.path}" and ${owner.length} in "${owner.array}": ` +
          `renamed to "${renamed}" in "${array.path}"`,
      );
      return renamed;
    });
    return [name, dims];
  }));
}

/** The name itself, or with `_2`, `_3` … when a dimension of another length has it. */
function unused(
  name: string,
  length: number,
  owners: Map<string, { length: number; array: string }>,
): string {
  let free = name;
  for (let n = 2; (owners.get(free)?.length ?? length) !== length; n++) free = `${name}_${n}`;
  owners.set(free, { length, array: name });
  return free;
}
