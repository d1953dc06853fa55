/** The cases of tests/python/make_qcodes_cases.py against what QCoDeS' own export of them holds. */
import { z } from "zod";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import { assert, assertEquals } from "../../tests/assert.ts";
import { netcdfContent, type NetcdfVariable } from "../../tests/netcdf_content.ts";
import { QcodesReader } from "../../tests/read_qcodes.ts";

const FOLDER = new URL("../../tests/fixtures/qcodes_more/", import.meta.url).pathname;

const Attributes = z.record(z.string(), z.unknown());
const Cases = z.array(z.object({
  run_id: z.number(),
  kind: z.string(),
  export_error: z.string().optional(),
  variables: z.record(
    z.string(),
    z.object({
      dims: z.array(z.string()),
      kind: z.string(),
      values: z.array(z.unknown()),
      attrs: Attributes,
    }),
  ).optional(),
  attrs: Attributes.optional(),
}));
const cases = Cases.parse(parseTolerantJson(Deno.readTextFileSync(`${FOLDER}expected.json`)));

/**
 * QCoDeS puts a point with a NaN setpoint into the last cell of the grid, over the point measured there; and drops the
 * setpoints of a parameter whose points repeat when another parameter has them as axis. Nothing is lost here.
 */
const LOSES_DATA = ["NaN setpoint, 2-D", "duplicates beside unique points of one axis"];

const DTYPES: Record<string, string> = {
  float64: "f8",
  float32: "f4",
  int64: "i8",
  int8: "i1",
  uint16: "u2",
  complex128: "c16",
  complex64: "c8",
  text: "text",
};

function assertClose(found: unknown[], expected: unknown[], what: string): void {
  assertEquals(found.length, expected.length, what);
  found.forEach((value, i) => {
    const truth = expected[i];
    const same = typeof truth === "number" && typeof value === "number"
      ? Object.is(value, truth) || Math.abs(value - truth) <= 1e-14 * Math.abs(truth)
      : String(value) === String(truth);
    assert(same, `${what}[${i}] is ${value}, expected ${truth}`);
  });
}

/** An attribute in one form, whether the file keeps one value as a list or not. */
function flat(value: unknown): string {
  const list = typeof value === "string" || typeof value !== "object" || value === null
    ? [value]
    : Array.from(value as ArrayLike<unknown>);
  return JSON.stringify(list.map((v) => typeof v === "boolean" ? Number(v) : v).map(String));
}

function assertAttributes(
  found: Record<string, unknown>,
  expected: Record<string, unknown>,
  what: string,
): void {
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(flat(found[name]), flat(value), `${what}: ${name}`);
  }
}

Deno.test("every kind of run equals QCoDeS' own export", async (t) => {
  using reader = new QcodesReader(`${FOLDER}experiments.db`);
  for (const { run_id, kind, variables, attrs } of cases) {
    if (!variables || !attrs || LOSES_DATA.includes(kind)) continue;
    await t.step(kind, async () => {
      const found = await netcdfContent(await reader.file(run_id));
      assertEquals(Object.keys(found.variables).sort(), Object.keys(variables).sort());
      for (const [name, truth] of Object.entries(variables)) {
        const variable = found.variables[name] as NetcdfVariable;
        assertEquals(variable.dims, truth.dims, name);
        assertEquals(variable.dtype, DTYPES[truth.kind], name);
        assertClose(variable.values, truth.values.flat(), name);
        assertAttributes(variable.attributes, truth.attrs, name);
      }
      assertAttributes(found.groups[""] ?? {}, attrs, "file");
    });
  }
});

Deno.test("runs that QCoDeS itself cannot export come out whole", async (t) => {
  using reader = new QcodesReader(`${FOLDER}experiments.db`);
  const content = async (kind: string) => {
    const run = cases.find((c) => c.kind === kind);
    assert(run, kind);
    const { variables } = await netcdfContent(await reader.file(run.run_id));
    return Object.fromEntries(
      Object.entries(variables).map(([name, v]) => [name, `(${v.dims}) ${v.values}`]),
    );
  };
  await t.step("NaN setpoint on a grid: all points are listed", async () => {
    const { a, b, index } = await content("NaN setpoint, 2-D");
    assertEquals([a, b, index], ["(index) 0,0,NaN,1", "(index) 0,1,0,1", "(index) 0,1,2,3"]);
  });
  await t.step("a parameter without rows beside scattered points", async () => {
    const { y1, y2, multi_index } = await content("one parameter without rows, scattered");
    assertEquals(y1, "(multi_index) 0,0,1,1,2");
    assertEquals(y2, "(multi_index) NaN,NaN,NaN,NaN,NaN");
    assertEquals(multi_index, "(multi_index) 0,1,2,3,4");
  });
  await t.step("a grid and scattered points of the same axes: the second in a group", async () => {
    const found = await content("multi-index beside a grid");
    assertEquals(found.y1, "(a,b) 0,10,1,11,2,12");
    assertEquals(found["y2/y2"], "(multi_index) 10,1,11,2,12");
    assertEquals([found["y2/a"], found["y2/b"]], ["(a) 0,1,2", "(b) 0,10"]);
  });
  await t.step("repeated points of an axis that another parameter has", async () => {
    const found = await content("duplicates beside unique points of one axis");
    assertEquals([found.a, found.y1], ["(index) 5,1,5", "(index) 5,1,5"]);
    assertEquals([found["y2/a"], found["y2/y2"]], ["(a) 3,2", "(a) 3,2"]);
  });
  await t.step("one axis of arrays of different length", async () => {
    const found = await content("ragged arrays, one axis");
    assertEquals([found.f, found.s], ["(f) 30,31,32,20,21", "(f) 0,1,2,0,1"]);
  });
  await t.step("scalars in a column of arrays", async () => {
    const { f, n } = await content("scalar measured over an array");
    const numbers = (text: string | undefined) => text?.replace(/^\(f\) /, "").split(",").map(Number) ?? [];
    assertEquals(numbers(n), numbers(f).map((v) => 2 * v));
    assertEquals(numbers(f).length, 4);
  });
  await t.step("big-endian arrays", async () => {
    assertEquals((await content("big-endian array")).s, "(f) 0,1,2,3");
  });
});
