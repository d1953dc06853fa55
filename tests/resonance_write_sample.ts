/**
 * Writes runs with RunWriter for readers in other languages: `resonance_write_sample.ts DATABASE`. Pixel (row, column) of
 * frame n is (31 n + 7 row + column) mod 120, plus 2^60 in 64-bit integers; event n holds x = n / 8.
 */
import { type ImageData, RunWriter } from "../backends/resonance/mod.ts";

const [ROWS, COLUMNS, FRAMES] = [33, 21, 4];
const pixel = (n: number) => (_: unknown, i: number) =>
  (31 * n + 7 * Math.floor(i / COLUMNS) + i % COLUMNS) % 120;
const large = (n: number) => (_: unknown, i: number) => 2n ** 60n + BigInt(pixel(n)(_, i));
const length = ROWS * COLUMNS;

const TYPES: Record<string, (n: number) => ImageData> = {
  int8: (n) => Int8Array.from({ length }, pixel(n)),
  uint8: (n) => Uint8Array.from({ length }, pixel(n)),
  int16: (n) => Int16Array.from({ length }, pixel(n)),
  uint16: (n) => Uint16Array.from({ length }, pixel(n)),
  int32: (n) => Int32Array.from({ length }, pixel(n)),
  uint32: (n) => Uint32Array.from({ length }, pixel(n)),
  int64: (n) => BigInt64Array.from({ length }, large(n)),
  uint64: (n) => BigUint64Array.from({ length }, large(n)),
  float32: (n) => Float32Array.from({ length }, pixel(n)),
  float64: (n) => Float64Array.from({ length }, pixel(n)),
};

RunWriter.with(Deno.args[0] ?? "", { name: "PS film", tags: ["polymer"], extra: { nm: 35 } }, (w) => {
  w.openRun("scan", { metadata: { operator: "AB", gain: NaN } });
  w.openStream("primary", { x: { units: "mm" } });
  for (let n = 0; n < FRAMES; n++) {
    const event = w.writeEvent({ x: n / 8, open: n % 2 === 0 }, { x: 1000 + n });
    for (const [name, make] of Object.entries(TYPES)) {
      w.writeImage(event, name, { data: make(n), shape: [ROWS, COLUMNS] });
    }
    if (n % 2 === 0) {
      w.writeImage(event, "sparse", { data: TYPES.uint16!(n), shape: [ROWS, COLUMNS] });
      w.writeImage(event, "empty", { data: new Uint16Array(0), shape: [0, COLUMNS] });
    }
    // Many blocks of one Blosc frame.
    w.writeImage(event, "wide", { data: new Uint32Array(1024 * 700).fill(n), shape: [1024, 700] });
  }
  w.closeRun({ exitStatus: "aborted" });
});
