/** Every run of the fixtures against QCoDeS' own netCDF export. */
import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { assertNetcdfEqual } from "../../tests/netcdf_equal.ts";
import { QcodesReader } from "../../tests/read_qcodes.ts";

const FIXTURES = new URL("../../tests/fixtures/qcodes/", import.meta.url).pathname;

/** Text of local times depends on the reader's zone; provenance on the writing library. */
const LOCAL = ["run_timestamp", "completed_timestamp", "_NCProperties"];

/** Content, and all attributes of all variables and of the file. */
async function assertSameFile(produced: string, truth: string, except: string[] = []): Promise<void> {
  await assertNetcdfEqual(produced, truth);
  const [a, b] = [await netcdfContent(produced), await netcdfContent(truth)];
  for (const [name, expected] of Object.entries(b.variables)) {
    assertEquals(
      comparable(a.variables[name]?.attributes),
      comparable(expected.attributes),
      `${truth}: ${name}`,
    );
  }
  assertEquals(
    comparable(a.groups[""], [...LOCAL, ...except]),
    comparable(b.groups[""], [...LOCAL, ...except]),
    truth,
  );
}

function comparable(attributes: Record<string, unknown> = {}, except: string[] = []): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => !except.includes(name))
      .map(([name, value]): [string, string] => [
        name,
        JSON.stringify(value, (_k, v) => typeof v === "bigint" || typeof v === "number" ? String(v) : v),
      ]).sort(([x], [y]) => x < y ? -1 : 1),
  );
}

Deno.test("runs 1 to 28 of experiments.db equal QCoDeS' own export", async (t) => {
  using reader = new QcodesReader(`${FIXTURES}experiments.db`);
  for (let run = 1; run <= 28; run++) {
    await t.step(`run ${run}`, async () => {
      // The exported file of the in-memory run 26 is uploaded as it is; loading it, QCoDeS adds where it was.
      await assertSameFile(
        await reader.file(run),
        `${FIXTURES}expected/run_${String(run).padStart(2, "0")}.qcodes_export.nc`,
        run === 26 ? ["export_info"] : [],
      );
    });
  }
});

const Truth = z.object({
  runs: z.array(z.object({
    run_id: z.number(),
    guid_in_file: z.string().nullable(),
    run_timestamp_raw: z.number().nullable(),
    truth_file: z.string().nullish(),
  })),
});

for (const version of [0, 1, 3, 4, 6, 8]) {
  Deno.test(`all runs of a database of version ${version} equal QCoDeS' own export`, async (t) => {
    const folder = `${FIXTURES}old_versions/`;
    using reader = new QcodesReader(`${folder}v${version}.db`);
    const { runs } = Truth.parse(
      JSON.parse(Deno.readTextFileSync(`${folder}expected/v${version}/runs.json`)),
    );
    assert(runs.some((run) => run.truth_file));
    for (const run of runs) {
      await t.step(`run ${run.run_id}`, async () => {
        const result = await reader.read(run.run_id);
        if (run.run_timestamp_raw === null) return assert("not_started" in result);
        assert("draft" in result);
        assertEquals(result.draft.alt_uid, run.guid_in_file ?? undefined);
        // A guid that QCoDeS invents while it upgrades is not in the file.
        const except = run.guid_in_file === null ? ["guid"] : [];
        const path = result.draft.files[0]?.path ?? "";
        if (run.truth_file) await assertSameFile(path, `${folder}expected/${run.truth_file}`, except);
      });
    }
  });
}
