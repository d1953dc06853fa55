/** One value. */
import type { Block, CellStore } from "./cell_store.ts";
import type { GrowingFile } from "./growing_file.ts";
import { contiguousLayout, fillNaN, type Message } from "./messages.ts";

export class ScalarStore implements CellStore {
  readonly messages: Message[];
  readonly #address: number;

  constructor(private readonly file: GrowingFile) {
    const nan = Float64Array.of(NaN);
    this.#address = file.append(new Uint8Array(nan.buffer));
    this.messages = [fillNaN("early"), contiguousLayout(this.#address, nan.byteLength)];
  }

  write(_block: Block, values: Float64Array): void {
    this.file.write(this.#address, new Uint8Array(values.slice(0, 1).buffer));
  }

  clear(): void {
    this.write({ offset: [], shape: [] }, Float64Array.of(NaN));
  }

  settle(): void {}

  trim(): void {}
}
