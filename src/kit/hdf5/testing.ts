/** Helpers of the tests in this folder. */
import { fileURLToPath } from "node:url";
import type { Dtype, LabelledArray, SlabSource, Values } from "../labelled.ts";

export const HDF5_FIXTURES = fileURLToPath(new URL("../../../tests/fixtures/hdf5/", import.meta.url));

/** An array of the given role and type whose other members follow from the values. */
export function array(
  role: "coordinate" | "data",
  name: string,
  dims: string[],
  shape: number[],
  dtype: Dtype,
  data: Values | SlabSource,
  attrs: LabelledArray["attrs"] = {},
): LabelledArray {
  return { name, dims, shape, dtype, data, attrs, role };
}

/** Runs a test body in a folder that is removed afterwards. */
export async function inTempDir(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Number of open file descriptors of this process. */
export function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
