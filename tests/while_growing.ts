/** Reads an HDF5 file that somebody writes (SWMR). */
import * as h5wasm from "h5wasm/node";

/** Values of one dataset of a live file as they are stored, and the attributes that say how far it is. */
export async function whileGrowing(path: string, name: string) {
  await h5wasm.ready;
  const file = new h5wasm.File(path, "Sr");
  try {
    const dataset = file.get(name);
    if (!(dataset instanceof h5wasm.Dataset)) throw new Error(`no dataset ${name}`);
    const { __cursor, __shape, completed } = dataset.attrs;
    return {
      values: Array.from(dataset.value as Float64Array),
      stored: dataset.shape,
      cursor: Array.from(__cursor?.value as Int32Array),
      shape: Array.from(__shape?.value as Int32Array),
      completed: completed?.value,
    };
  } finally {
    file.close();
  }
}
