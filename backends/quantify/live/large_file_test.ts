import { assert, assertEquals } from "../../../tests/assert.ts";
import type { LivePatch } from "../../../src/kit/live.ts";
import { CellStore } from "./cell_store.ts";
import { column, Lab, range } from "./testing.ts";

const POINTS = 400_000;

Deno.test("of a large file the last change is looked at first, then the rest, slice by slice", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  const x = column("x0", range(POINTS)), y = new Float64Array(POINTS).fill(NaN);
  const write = () => run.write([x, { name: "y0", values: y }]);
  y.fill(1, 0, 1000);
  await write();
  const session = await lab.session(run);
  const look = async () => {
    const { changes, more } = await session.look();
    const patches = changes.filter((change): change is LivePatch =>
      change.type === "patch" && change.var === "y0"
    );
    return { runs: patches.map(({ offset: [from = 0], shape: [n = 0] }) => [from, from + n]), more };
  };
  let looks = 0;
  for (let more: boolean | undefined = true; more; looks++) more = (await look()).more;
  assert(looks > 1, "it is not read at once");

  y.fill(2, 1000, 1003);
  y[300_000] = 2;
  y[10] = 2;
  await write();
  assertEquals((await look()).runs, [[10, 11], [1000, 1003]], "around the last change");
  const found: number[][] = [];
  for (let k = 0; k < 10; k++) found.push(...(await look()).runs);
  assertEquals(found, [[300_000, 300_001]]);

  // Many points at once: the frontier goes on for as long as there is something new.
  y.fill(3, 300_000, 340_000);
  await write();
  assertEquals((await look()).runs.at(-1)?.[1], 340_000);
});

Deno.test("many values are remembered in a private file", async () => {
  const folder = await Deno.makeTempDir();
  {
    using store = new CellStore("c16", folder, 1000);
    store.write(990, Float64Array.from({ length: 20 }, (_, i) => i));
    store.resize(5_000_000);
    store.write(4_999_999, Float64Array.of(7, 8));
    assertEquals([...store.read(998, 2)], [16, 17, 18, 19]);
    assertEquals([...store.read(4_999_998, 2)].slice(2), [7, 8]);
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  }
  await Deno.remove(folder, { recursive: true });
});
