import { assert, assertEquals } from "../../../tests/assert.ts";
import type { Values } from "../labelled.ts";
import { cellsOf, orderOf } from "./cells.ts";
import { columnOf, ColumnWriter } from "./column.ts";
import { promote, withHoles } from "./dtypes.ts";
import { isUnique, levelsOf } from "./levels.ts";
import { scatter, type Scattered } from "./scatter.ts";
import { Scratch } from "./scratch.ts";

async function withScratch(test: (scratch: Scratch) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  {
    using scratch = new Scratch(folder);
    test(scratch);
  }
  assertEquals([...Deno.readDirSync(folder)], [], "scratch files are left behind");
  await Deno.remove(folder);
}

const f8 = (...values: number[]) => columnOf("f8", Float64Array.from(values));

function readAll({ data }: Scattered, size: number, step: number): unknown[] {
  if (typeof data !== "function") return [...data];
  const out: unknown[] = [];
  for (let start = 0; start < size; start += step) out.push(...data(start, Math.min(step, size - start)));
  return out;
}

Deno.test("promotion follows numpy.promote_types", () => {
  // numpy 2.4: np.promote_types(a, b)
  const table = [
    ["bool", "i1", "i1"],
    ["u1", "i1", "i2"],
    ["u4", "i4", "i8"],
    ["u8", "i8", "f8"],
    ["u2", "u4", "u4"],
    ["i2", "f4", "f4"],
    ["i4", "f4", "f8"],
    ["f4", "c8", "c8"],
    ["f8", "c8", "c16"],
    ["i8", "c8", "c16"],
    ["f8", "text", "text"],
  ] as const;
  for (const [a, b, expected] of table) {
    assertEquals([promote(a, b), promote(b, a)], [expected, expected], `${a} ${b}`);
  }
  assertEquals([withHoles("i2"), withHoles("i8"), withHoles("f4"), withHoles("c16"), withHoles("text")], [
    "f4",
    "f8",
    "f4",
    "c16",
    "text",
  ]);
});

Deno.test("a column beyond memory reads back, also after its type widened", () =>
  withScratch((scratch) => {
    const column = new ColumnWriter(scratch);
    const n = 400_000;
    for (let i = 0; i < n; i += 1000) column.append("i4", Int32Array.from({ length: 1000 }, (_, k) => i + k));
    column.append("f8", Float64Array.of(0.5, NaN));
    assertEquals([column.dtype, column.length], ["f8", n + 2]);
    for (const start of [0, 131_000, 262_143, n - 3]) {
      assertEquals([...column.read(start, 4)].slice(0, 3), [start, start + 1, start + 2]);
    }
    assertEquals([...column.read(n - 1, 3)], [n - 1, 0.5, NaN]);
    const complex = new ColumnWriter(scratch);
    complex.append("f4", Float32Array.of(1, 2));
    complex.append("c16", Float64Array.of(3, 4));
    assertEquals([...complex.read(0, 3)], [1, 0, 2, 0, 3, 4]);
    const text = new ColumnWriter(scratch);
    text.append("f8", Float64Array.of(1.5));
    text.append("text", ["a"]);
    assertEquals(text.read(0, 2), ["1.5", "a"] as Values);
  }));

Deno.test("levels: ascending, each once, NaN left out", () => {
  const levels = levelsOf(f8(3, 1, NaN, 3, -0, 0, 2));
  assertEquals([[...levels.column.read(0, levels.length)].map((v) => Number(v) + 0), levels.missing], [[
    0,
    1,
    2,
    3,
  ], true]);
  assertEquals([...levels.ranks(Float64Array.of(2, 3, 0, 1, 3))], [2, 3, 0, 1, 3]);
  const text = levelsOf(columnOf("text", ["b", "😀", "ﬁ", "b"]));
  assertEquals(text.column.read(0, 3), ["b", "ﬁ", "😀"] as Values);
  const big = levelsOf(columnOf("i8", BigInt64Array.of(2n ** 53n + 1n, 2n ** 53n, -1n)));
  assertEquals([...big.column.read(0, 3)], [-1n, 2n ** 53n, 2n ** 53n + 1n]);
  const complex = levelsOf(columnOf("c16", Float64Array.of(1, 2, 1, -2, 0, 5)));
  assertEquals([...complex.column.read(0, 3)], [0, 5, 1, -2, 1, 2]);
});

Deno.test("more distinct values than a map should hold", () => {
  const n = 200_000;
  const shuffled = Float64Array.from({ length: n }, (_, i) => (i * 7919) % n);
  const levels = levelsOf(columnOf("f8", shuffled));
  assertEquals(levels.length, n);
  assertEquals([...levels.ranks(Float64Array.of(0, 5, n - 1))], [0, 5, n - 1]);
  assert(isUnique(columnOf("f8", shuffled)));
  shuffled[5] = shuffled[6] as number;
  assert(!isUnique(columnOf("f8", shuffled)));
});

Deno.test("uniqueness of one axis", () => {
  assert(isUnique(f8(3, 2, 1)) && isUnique(f8(1, 3, 2)) && isUnique(f8(1, NaN, 2)) && isUnique(f8()));
  assert(!isUnique(f8(1, 2, 1)) && !isUnique(f8(NaN, 1, NaN)) && !isUnique(f8(0, -0)));
});

Deno.test("order of points on a grid", () => {
  const order = (a: number[], b: number[]) => {
    const columns = [f8(...a), f8(...b)];
    const cells = cellsOf(columns, columns.map(levelsOf));
    return { ...orderOf(cells), size: cells.size };
  };
  assertEquals(order([0, 0, 1, 1], [5, 6, 5, 6]), { ascending: true, unique: true, size: 4 });
  assertEquals(order([0, 0, 1, 1], [5, 6, 6, 5]), { ascending: false, unique: true, size: 4 });
  assertEquals(order([0, 0, 1, 0], [5, 6, 6, 5]), { ascending: false, unique: false, size: 4 });
  assertEquals(order([0, 1, 2], [5, 6, 7]), { ascending: true, unique: true, size: 9 });
});

Deno.test("points in any order land in their cells, in memory and through buckets", () =>
  withScratch((scratch) => {
    // A permutation of more cells than one bucket: 7919 is prime to the size.
    for (const size of [1000, 2_500_001]) {
      const values = Float64Array.from({ length: size - 1 }, (_, i) => i + 0.5);
      const cellOf = (i: number) => (i * 7919) % size;
      const scattered = scatter(
        columnOf("f8", values),
        (start, length) => Float64Array.from({ length }, (_, i) => cellOf(start + i)),
        size,
        scratch,
      );
      const found = new Float64Array(size);
      for (let start = 0; start < size; start += 700_000) {
        const length = Math.min(700_000, size - start);
        assert(typeof scattered.data === "function");
        found.set(scattered.data(start, length) as Float64Array, start);
      }
      let wrong = 0;
      for (let i = 0; i < size - 1; i++) if (found[cellOf(i)] !== i + 0.5) wrong++;
      assertEquals([wrong, found[cellOf(size - 1)]], [0, NaN]);
    }
  }));

Deno.test("cells without a point", () =>
  withScratch((scratch) => {
    const place = () => Float64Array.of(3, 0);
    assertEquals(readAll(scatter(columnOf("i8", BigInt64Array.of(7n, 8n)), place, 4, scratch), 4, 3), [
      8,
      NaN,
      NaN,
      7,
    ]);
    assertEquals(readAll(scatter(columnOf("text", ["x", "y"]), place, 4, scratch), 4, 4), ["y", "", "", "x"]);
    const complex = scatter(columnOf("c16", Float64Array.of(1, 2, 3, 4)), place, 4, scratch);
    assertEquals(readAll(complex, 4, 4), [3, 4, NaN, NaN, NaN, NaN, 1, 2]);
    assertEquals(readAll(scatter(columnOf("i2", Int16Array.of(1, 2)), null, 3, scratch), 3, 3), [1, 2, NaN]);
  }));
