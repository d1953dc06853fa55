/** Writes values, and joins those that follow each other in the file: points that come one by one cost one write a look. */
import type { GrowingFile } from "./growing_file.ts";

const MOST_VALUES = 8192;
const BYTES = Float64Array.BYTES_PER_ELEMENT;

export class RunWriter {
  readonly #values = new Float64Array(MOST_VALUES);
  #address = 0;
  #length = 0;

  constructor(private readonly file: GrowingFile) {}

  put(address: number, values: Float64Array): void {
    const follows = address === this.#address + this.#length * BYTES;
    if (!follows || this.#length + values.length > MOST_VALUES) this.flush();
    if (values.length > MOST_VALUES) return this.#write(address, values);
    if (this.#length === 0) this.#address = address;
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  flush(): void {
    if (this.#length > 0) this.#write(this.#address, this.#values.subarray(0, this.#length));
    this.#length = 0;
  }

  #write(address: number, values: Float64Array): void {
    this.file.write(address, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
}
