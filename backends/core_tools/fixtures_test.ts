/** Every measurement of the fixtures against core-tools' own export. */
import { z } from "zod";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { assertNetcdfEqual } from "../../tests/netcdf_equal.ts";
import { CoreToolsLab, FIXTURES, pathOf } from "./testing.ts";

const Truth = z.array(z.object({
  id: z.number(),
  exp_name: z.string(),
  set_up: z.string(),
  project: z.string(),
  sample: z.string(),
  keywords: z.array(z.string()),
  starred: z.boolean(),
  completed: z.boolean(),
  gates: z.record(z.string(), z.string()).nullable(),
}));
const text = Deno.readTextFileSync(`${FIXTURES}expected/measurements.json`);
/** Numbers beyond 2^53, which JSON.parse would round. */
const UUIDS = [...text.matchAll(/^ {2}"uuid": (\d+)/gm)].map((m) => m[1] ?? "");
const TRUTH = Truth.parse(JSON.parse(text));

/** Who exported it. */
const PROVENANCE = ["_NCProperties", "application", "gates"];

function comparable(
  attributes: Record<string, unknown> | undefined,
  except: string[] = [],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes ?? {}).filter(([name]) => !except.includes(name)).map(([name, value]) => [
      name,
      JSON.stringify(
        ArrayBuffer.isView(value) ? [...value as unknown as Iterable<unknown>] : value,
        (_key, v) => typeof v === "bigint" || typeof v === "number" ? String(v) : v,
      ).replace(/^\[("\d+")\]$/, "$1"),
    ]),
  );
}

/** Content, and all attributes of all variables and of the file. */
async function assertSameFile(produced: string, truth: string): Promise<void> {
  await assertNetcdfEqual(produced, truth);
  const [a, b] = [await netcdfContent(produced), await netcdfContent(truth)];
  for (const [name, { attributes }] of Object.entries(b.variables)) {
    assertEquals(comparable(a.variables[name]?.attributes), comparable(attributes), `${truth}: ${name}`);
  }
  assertEquals(comparable(a.groups[""], PROVENANCE), comparable(b.groups[""], PROVENANCE), truth);
}

Deno.test("the 13 measurements of the fixtures", async (t) => {
  await using lab = await CoreToolsLab.start();
  assertEquals([TRUTH.length, UUIDS.length], [13, 13]);

  for (const [i, truth] of TRUTH.entries()) {
    await t.step(`${truth.id}: ${truth.exp_name}`, async () => {
      const result = await lab.read(truth.id);
      if (truth.id === 13) {
        assert("not_started" in result);
        return assertMatch(result.not_started, /no point was measured/);
      }
      assert("draft" in result);
      const { draft } = result;
      const uuid = UUIDS[i] ?? "";
      assertEquals(draft.alt_uid, uuid);
      assertEquals(Date.parse(draft.collected), Number(BigInt(uuid) / 1_000_000n));
      assertEquals(
        [draft.name, draft.keywords, draft.ranking, draft.state],
        [truth.exp_name, truth.keywords, truth.starred ? 1 : 0, truth.completed ? "complete" : "incomplete"],
      );
      assertEquals(draft.attributes, {
        sample: truth.sample,
        "set-up": truth.set_up,
        project: truth.project,
      });
      assertEquals(draft.description, `database : coretools | id : ${truth.id} | ct_uuid : ${uuid}`);
      assertEquals([draft.logs, draft.problems], [undefined, undefined]);
      assertEquals(
        draft.files.map((f) => f.name),
        truth.id === 7 ? ["measurement", "pulses"] : ["measurement"],
      );

      const path = pathOf(draft);
      await assertSameFile(path, `${FIXTURES}expected/meas_${String(truth.id).padStart(2, "0")}.nc`);
      const gates = (await netcdfContent(path)).groups[""]?.gates;
      assertEquals(gates === undefined ? null : JSON.parse(String(gates)), truth.gates);
    });
  }

  await t.step("the pulses of measurement 7", async () => {
    const { variables, groups } = await netcdfContent(pathOf(await lab.draft(7), "pulses"));
    assertEquals(Object.keys(variables).sort(), [
      "P1_baseband",
      "q1_pulses",
      "time_P1_baseband",
      "time_q1_pulses",
    ]);
    const [time, voltage] = [variables.time_P1_baseband?.values, variables.P1_baseband?.values];
    assertEquals(time, [0, 100, 100, 200, 200, 260, 260, 400, 400, 500]);
    assertEquals(voltage, [0, 0, 20, 20, 0, 0, -10, -10, 0, 0]);
    const samples = variables.q1_pulses?.values.map(Number) ?? [];
    assertEquals(variables.time_q1_pulses?.values, Array.from({ length: 501 }, (_, ns) => ns));
    for (const [ns, value] of samples.entries()) {
      const expected = ns >= 210 && ns < 240 ? 50 * Math.sin(2 * Math.PI * 0.02 * ns) : 0;
      assert(Math.abs(value - expected) < 1e-9, `${value} at ${ns} ns, expected ${expected}`);
    }
    assertEquals(variables.P1_baseband?.attributes.units, "mV");
    assertEquals(variables.time_q1_pulses?.attributes.units, "ns");
    assertEquals(JSON.parse(String(groups[""]?.pulses)).pc0._total_time, 500);
  });
});
