import { assert, assertEquals } from "../../../tests/assert.ts";
import type { LivePatch } from "../../kit/live.ts";
import { wireChanges } from "./wire_changes.ts";

const patch = (values: LivePatch["values"], shape: number[], offset: number[]): LivePatch => ({
  type: "patch",
  var: "v",
  offset,
  shape,
  values,
});

Deno.test("numbers go as base64 of their bytes, texts as a list", () => {
  const [real, whole, text] = [
    ...wireChanges([
      patch(Float64Array.of(1, NaN), [2], [3]),
      patch(BigInt64Array.of(-2n), [1], [0]),
      patch(["a"], [1], [0]),
    ]),
  ];
  assert(real?.type === "patch" && whole?.type === "patch" && text?.type === "patch");
  assertEquals([real.encoding, real.data], ["f64le", "AAAAAAAA8D8AAAAAAAD4fw=="]);
  assertEquals([whole.encoding, whole.data], ["i64le", "/v////////8="]);
  assertEquals([text.encoding, text.data], ["json", ["a"]]);
});

Deno.test("a large block is cut into blocks that cover it, each cell once and in its place", () => {
  for (const shape of [[600_000], [3, 200_000], [2, 3, 100_000], [1, 1_000_000], [700, 1000]]) {
    const size = shape.reduce((a, b) => a * b);
    const values = Float64Array.from({ length: size }, (_, i) => i);
    const seen = new Float64Array(size).fill(-1);
    const parts = [...wireChanges([patch(values, shape, shape.map(() => 0))])];
    assert(parts.length > 1);
    for (const part of parts) {
      assert(part.type === "patch" && typeof part.data === "string");
      const cells = new Float64Array(Uint8Array.fromBase64(part.data).buffer);
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      // Cut along the first axis that is long, all others but the last cut one are whole: the cells lie together.
      const start = part.offset.reduce((sum, n, axis) => sum + n * (strides[axis] ?? 0), 0);
      assertEquals(cells.length, part.shape.reduce((a, b) => a * b));
      cells.forEach((value, i) => {
        assert(seen[start + i] === -1);
        seen[start + i] = value;
      });
    }
    assert(seen.every((value, i) => value === i), shape.join());
  }
});
