/** Random runs of a seed, followed while rows come in at random: every point is there once, with its setpoints. */
import { sizeOf } from "../../../src/kit/labelled.ts";
import { assertEquals } from "../../../tests/assert.ts";
import { Random } from "../../../tests/faults/prng.ts";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { netcdfContent } from "../../../tests/netcdf_content.ts";
import { type LabRow, npy, type Parameters, QcodesLab } from "../../../tests/qcodes_lab.ts";
import { QcodesReader } from "../../../tests/read_qcodes.ts";

interface Plan {
  parameters: Parameters;
  shapes: Record<string, number[]>;
  rows: LabRow[];
  /** Setpoints and value of every point of a measured parameter, as text. */
  points: Map<string, string[]>;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/**
 * One to three measured parameters on up to two scalar setpoints and perhaps an array; one may depend on the outer
 * setpoints alone.
 */
function plan(random: Random): Plan {
  const scalars = range(random.below(3)).map((k) => `x${k}`);
  const withArrays = random.below(3) === 0;
  const parameters: Parameters = Object.fromEntries(scalars.map((name) => [name, {}]));
  if (withArrays) parameters.f = { type: "array" };
  const measured = range(1 + random.below(3)).map((k) => {
    const depth = random.below(4) === 0 ? random.below(scalars.length + 1) : scalars.length;
    const on = [...scalars.slice(0, depth), ...withArrays ? ["f"] : []];
    return { name: `m${k}`, depth, on };
  });
  for (const { name, on } of measured) {
    parameters[name] = { ...on.length > 0 ? { on } : {}, type: withArrays ? "array" : "numeric" };
  }
  const extents = scalars.map(() => 2 + random.below(4));
  const length = 1 + random.below(4);
  const shapes: Plan["shapes"] = Object.fromEntries(
    random.below(2) === 0
      ? measured.filter((m) => m.on.length > 0).map((
        { name, depth },
      ) => [name, [...extents.slice(0, depth), ...withArrays ? [length] : []]])
      : [],
  );
  const rows: LabRow[] = [];
  const points = new Map(measured.map((m) => [m.name, [] as string[]]));
  const size = sizeOf(extents);
  const disorder = random.below(4), ragged = withArrays && random.below(3) === 0;
  const count = random.below(3) === 0 ? random.below(size + 1) : size + (random.below(4) === 0 ? 3 : 0);
  for (let n = 0; n < count; n++) {
    const index = extents.map((extent, k) => Math.floor(n / sizeOf(extents.slice(k + 1))) % extent);
    for (const { name, depth } of measured) {
      if (random.below(12) === 0 || index.slice(depth).some((i) => i > 0)) continue;
      const place = index.slice(0, depth).map((i) =>
        disorder === 0 ? random.below(6) : disorder === 1 ? -i : i
      );
      const elements = !withArrays ? 1 : ragged ? 1 + random.below(4) : length;
      const values = range(elements).map(() => random.below(9) === 0 ? NaN : random.below(100) / 4);
      const f = range(elements).map((k) => k * (disorder === 2 && random.below(20) === 0 ? 3 : 1));
      const value = Number.isNaN(values[0]) ? "nan" : values[0] ?? null;
      rows.push({
        ...Object.fromEntries(place.map((p, k) => [`x${k}`, p])),
        ...withArrays ? { f: npy([elements], Float64Array.from(f)) } : {},
        [name]: withArrays ? npy([elements], Float64Array.from(values)) : value,
      });
      values.forEach((v, k) => points.get(name)?.push(String([...place, ...withArrays ? [f[k]] : [], v])));
    }
  }
  return { parameters, shapes, rows, points };
}

/** Setpoints and value of every cell that was written; those of a filled grid by its coordinates. */
function pointsOf(replay: LiveReplay, name: string): string[] {
  const { dims, depends_on } = replay.variable(name);
  const shape = replay.shape(name);
  const written = replay.written(name), values = replay.array(name);
  const setpoints = depends_on.map((s) => ({
    dims: replay.variable(s).dims,
    shape: replay.shape(s),
    values: replay.array(s),
  }));
  return values.flatMap((value, cell) => {
    if (!written[cell]) return [];
    const at = new Map<string, number>();
    for (let k = dims.length - 1, rest = cell; k >= 0; k--) {
      at.set(dims[k] ?? "", rest % (shape[k] ?? 1));
      rest = Math.floor(rest / (shape[k] ?? 1));
    }
    const coordinates = setpoints.map((s) =>
      s.values[s.dims.reduce((flat, d, k) => flat * (s.shape[k] ?? 1) + (at.get(d) ?? 0), 0)]
    );
    return [String([...coordinates.map((v) => Object.is(v, -0) ? 0 : v), value])];
  });
}

Deno.test("40 random runs", async (t) => {
  let lists = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const { parameters, shapes, rows, points } = plan(random);
    await t.step(`seed ${seed}: ${JSON.stringify(shapes)}, ${rows.length} rows`, async () => {
      using lab = new QcodesLab();
      const run = lab.start(parameters, Object.keys(shapes).length > 0 ? { shapes } : {});
      const session = await lab.follow(run.id);
      const replay = new LiveReplay();
      for (let at = 0; at < rows.length;) {
        const n = 1 + random.below(Math.max(1, rows.length / 3));
        run.add(...rows.slice(at, at += n));
        if (random.below(3) > 0) await replay.drain(session);
      }
      await replay.drain(session);
      replay.assertWrittenOnce();
      for (const [name, expected] of points) {
        const found = pointsOf(replay, name);
        assertEquals(found.length, expected.length, name);
        // A registered shape that is filled counts, as in the finished file, whatever the setpoints of its points.
        if (replay.variable(name).dims.length > 1 && shapes[name]) {
          assertEquals(
            replay.array(name).filter((_, i) => replay.written(name)[i]).map(String),
            expected.map((p) => p.slice(p.lastIndexOf(",") + 1)),
          );
        } else {
          assertEquals(found.toSorted(), expected.map((p) => p.replaceAll("-0", "0")).toSorted(), name);
        }
      }
      run.complete();
      await replay.drain(session, { until: () => false });
      await session.close();
      replay.assertWrittenOnce();
      using reader = new QcodesReader(lab.path);
      const { variables: { index: _index, ...variables } } = await netcdfContent(await reader.file(run.id));
      const isList = "multi_index" in variables || Object.keys(variables).some((name) => name.includes("/"));
      if (isList) lists++;
      else assertEquals(replay.differences({ variables }), []);
    });
  }
  assertEquals(lists < 10, true, "most files have no lists of points");
});
