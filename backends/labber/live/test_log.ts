/** A writer that behaves as Labber's, for the tests of this folder: it appends to a log that was made with room for more. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as h5wasm from "h5wasm/node";
import { assert } from "../../../tests/assert.ts";

/** Logs without an entry, made by tests/python/labber_live.py. */
const BASES = fileURLToPath(new URL("../../../tests/fixtures/labber_live/", import.meta.url));

export class GrowingLog {
  private constructor(readonly path: string) {}

  /** @param base `grid`: X (5 points), Y, R, complex IQ; `vector`: P, complex traces S of 6 samples */
  static async create(base: "grid" | "vector", folder: string): Promise<GrowingLog> {
    await h5wasm.ready;
    const path = join(folder, `${base}.hdf5`);
    await Deno.copyFile(join(BASES, `${base}.hdf5`), path);
    return new GrowingLog(path);
  }

  /** Writes an entry of `/Data/Data`; `rows`: values of all columns at each of its points. */
  entry(index: number, rows: readonly (readonly number[])[]): void {
    this.#write("/Data/Data", index, rows.flat());
  }

  /** Writes a trace; `samples`: real and imaginary part of each. */
  trace(index: number, samples: readonly (readonly number[])[]): void {
    this.#write("/Traces/S", index, samples.flat());
  }

  /** Sets an attribute of `/Data`. */
  set(name: string, value: number): void {
    this.#change((file) => {
      const group = file.get("Data");
      assert(group instanceof h5wasm.Group);
      if (name in group.attrs) group.delete_attribute(name);
      group.create_attribute(name, value, [], "<i4");
    });
  }

  #write(path: string, index: number, values: number[]): void {
    this.#change((file) => {
      const dataset = file.get(path);
      assert(dataset instanceof h5wasm.Dataset);
      const [inner = 0, columns = 0, entries = 0] = dataset.shape ?? [];
      if (index >= entries) dataset.resize([inner, columns, index + 1]);
      dataset.write_slice([[0, inner], [0, columns], [index, index + 1]], Float64Array.from(values));
    });
  }

  #change(action: (file: h5wasm.File) => void): void {
    const file = new h5wasm.File(this.path, "a");
    try {
      action(file);
    } finally {
      file.close();
    }
  }
}
