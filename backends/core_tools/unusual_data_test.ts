/** What a database may hold besides what core-tools itself writes, or only writes rarely. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../tests/assert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { CoreToolsLab, pathOf, type TestParameter } from "./testing.ts";

const X: TestParameter = { id: "11", name: "x", unit: "mV", isSetpoint: true, shape: [3], values: [1, 2, 3] };
const measured = (more: Partial<TestParameter> = {}): TestParameter => ({
  id: "1",
  name: "y",
  unit: "nA",
  dependencies: [11],
  shape: [3],
  values: [4, 5, 6],
  ...more,
});

Deno.test("unusual arrays, fields, and tables of the older layout", async (t) => {
  await using lab = await CoreToolsLab.start();
  await unusualArrays(t, lab);
  await unusualFields(t, lab);
  await unusualTables(t, lab);
});

async function unusualArrays(t: Deno.TestContext, lab: CoreToolsLab): Promise<void> {
  const variablesOf = async (id: string) => {
    const draft = await lab.draft(id);
    const { variables } = await netcdfContent(pathOf(draft));
    const codes = [...draft.logs ?? [], ...draft.problems ?? []].map((entry) => entry.code);
    const shown = Object.entries(variables).map(([name, v]) => [name, v.dims.join(), v.values] as const);
    return {
      draft,
      codes,
      shown: Object.fromEntries(shown.map(([name, dims, values]) => [name, [dims, values]])),
    };
  };

  await t.step("a large object that is not there costs its values and quarantines", async () => {
    const id = await lab.add([measured({ values: null, oid: 4_000_000_000 - 2 ** 32, cursor: 3 }), X]);
    const { shown, codes, draft } = await variablesOf(id);
    assertEquals(shown, { x: ["x", [1, 2, 3]], y: ["x", [NaN, NaN, NaN]] });
    assertEquals(codes, ["values_missing"]);
    assertStringIncludes(draft.problems?.[0]?.message ?? "", "large object 4000000000 is not there");
  });

  await t.step("values that were cleared on purpose are no damage", async () => {
    const id = await lab.add([measured({ values: null, cursor: 3 }), X], { data_cleared: "true" });
    const { codes, draft } = await variablesOf(id);
    assertEquals([codes, draft.problems], [["data_cleared"], undefined]);
  });

  await t.step("oid 0 and NULL without a point written are nothing to speak of", async () => {
    const id = await lab.add([
      measured({ values: null, oid: 0, cursor: 0 }),
      { ...X, values: null, oid: null, cursor: 0 },
    ]);
    const { shown, codes } = await variablesOf(id);
    assertEquals(shown, { x: ["x", [NaN, NaN, NaN]], y: ["x", [NaN, NaN, NaN]] });
    assertEquals(codes, []);
  });

  await t.step(
    "a cursor beyond the end of the object, and an object beyond its shape, are noted",
    async () => {
      const id = await lab.add([measured({ values: [4], cursor: 3 }), {
        ...X,
        values: [1, 2, 3, 4, 5],
        cursor: 5,
      }]);
      const { shown, codes } = await variablesOf(id);
      assertEquals(shown, { x: ["x", [1, 2, 3]], y: ["x", [4, NaN, NaN]] });
      assertEquals(codes, ["values_missing", "values_beyond_shape"]);
    },
  );

  await t.step(
    "a shape that contradicts total_size wins, and one without points is an empty array",
    async () => {
      const { shown, codes } = await variablesOf(await lab.add([measured({ totalSize: 7 }), X]));
      assertEquals([shown.y, codes], [["x", [4, 5, 6]], ["size_differs"]]);
      const empty = await variablesOf(
        await lab.add([
          measured({ shape: [0], values: [] }),
          { ...X, shape: [0], values: [] },
        ]),
      );
      assertEquals(empty.shown, { x: ["x", []], y: ["x", []] });
    },
  );

  await t.step("a shape that is none costs that array only", async () => {
    for (const shape of [undefined, "three", [-1], [1.5], [1e9, 1e9]]) {
      const id = await lab.add([
        measured({ shape, totalSize: 3 }),
        measured({ id: "2", name: "z" }),
        X,
      ]);
      const { shown, codes } = await variablesOf(id);
      assertEquals(
        [Object.keys(shown).sort(), codes],
        [["x", "z"], ["shape_unusable"]],
        JSON.stringify(shape),
      );
    }
  });

  await t.step(
    "a dependency on nothing known, or on an axis of another length, leaves the axis without values",
    async () => {
      const unknown = await variablesOf(await lab.add([measured({ dependencies: [99] }), X]));
      assertEquals([unknown.shown, unknown.codes], [
        { y: ["y_axis_0", [4, 5, 6]] },
        ["axis_without_values"],
      ]);
      const other = await variablesOf(await lab.add([measured(), { ...X, shape: [2], values: [1, 2] }]));
      assertEquals([other.shown, other.codes], [{ y: ["y_axis_0", [4, 5, 6]] }, ["axis_without_values"]]);
    },
  );

  await t.step("one axis named twice by an array gets a name of its own the second time", async () => {
    const values = Array.from({ length: 9 }, (_, i) => i);
    const { shown } = await variablesOf(
      await lab.add([measured({ dependencies: [11, 11], shape: [3, 3], values }), X]),
    );
    assertEquals([shown.y, shown["x-1"]], [["x,x-1", values], ["x-1", [1, 2, 3]]]);
  });

  await t.step("equal axes are shared, different ones numbered, names of variables too", async () => {
    const { shown } = await variablesOf(
      await lab.add([
        measured(),
        measured({ id: "2", dependencies: [12] }),
        measured({ id: "3", name: "x", dependencies: [13] }),
        measured({ id: "4", name: "w", dependencies: [14] }),
        X,
        { ...X, id: "12" },
        { ...X, id: "13", values: [1, 2, 4] },
        { ...X, id: "14", unit: "V" },
      ]),
    );
    assertEquals(Object.entries(shown).map(([name, [dims]]) => `${name}(${dims})`).sort(), [
      "w(x-3)",
      "x(x)",
      "x-1(x-1)",
      "x-2(x-1)",
      "x-3(x-3)",
      "y(x)",
      "y-2(x)",
    ]);
  });

  await t.step("a list without setpoint is its own axis, as in core-tools", async () => {
    const { shown } = await variablesOf(await lab.add([measured({ dependencies: [] })]));
    assertEquals(shown, { y: ["y", [4, 5, 6]], "y-2": ["y", [4, 5, 6]] });
  });

  await t.step("an axis recorded at every point is taken at the first position of the others", async () => {
    const grid = (f: (i: number, j: number, k: number) => number) =>
      Array.from({ length: 24 }, (_, n) => f(Math.floor(n / 12), Math.floor(n / 4) % 3, n % 4));
    const axis = (id: string, name: string, axis: number, values: number[]): TestParameter => ({
      ...{ id, name, axis, values, shape: [2, 3, 4], isSetpoint: true },
    });
    const { shown } = await variablesOf(
      await lab.add([
        measured({
          dependencies: [11, 12, 13],
          shape: [2, 3, 4],
          values: grid((i, j, k) => i + 10 * j + 100 * k),
        }),
        axis("11", "a", 0, grid((i) => i)),
        axis("12", "b", 1, grid((_, j) => 10 * j)),
        // Swept to and fro: only its first row counts.
        axis("13", "c", 2, grid((_, j, k) => j === 1 ? 3 - k : k)),
      ]),
    );
    assertEquals([shown.a, shown.b, shown.c], [["a", [0, 1]], ["b", [0, 10, 20]], ["c", [0, 1, 2, 3]]]);
    assertEquals(shown.y?.[0], "a,b,c");
  });

  await t.step("a setpoint with several names lends the axis the first one", async () => {
    const { shown, codes } = await variablesOf(
      await lab.add([measured(), X, { ...X, set: 1, name: "x too", values: [7, 8, 9] }]),
    );
    assertEquals([shown, codes], [{ x: ["x", [1, 2, 3]], y: ["x", [4, 5, 6]] }, ["setpoint_left_out"]]);
  });

  await t.step("arrays of one parameter come in the order of nth_set", async () => {
    const { draft } = await variablesOf(
      await lab.add([measured({ set: 1, name: "second" }), measured({ set: 0, name: "first" }), X]),
    );
    const { variables } = await netcdfContent(pathOf(draft));
    assertEquals([...variables.first?.attributes._param_index as BigInt64Array], [0n, 0n]);
    assertEquals([...variables.second?.attributes._param_index as BigInt64Array], [0n, 1n]);
  });

  await t.step("names in any script, with slashes or without a letter", async () => {
    const { shown, draft } = await variablesOf(
      await lab.add([measured({ name: "Ω/□", label: "Widerstand 測定" }), { ...X, name: "" }]),
    );
    assertEquals(shown, { x: ["x", [1, 2, 3]], "Ω_□": ["x", [4, 5, 6]] });
    const { variables } = await netcdfContent(pathOf(draft));
    assertEquals(variables["Ω_□"]?.attributes.long_name, "Widerstand 測定");
    assertEquals(variables["Ω_□"]?.attributes.param_name, "Ω/□");
  });

  await t.step(
    "no parameters: a finished measurement has no file, an unfinished one has not started",
    async () => {
      assertEquals((await lab.draft(await lab.add([]))).files, []);
      assert("not_started" in await lab.read(await lab.add([], { completed: "false" })));
    },
  );

  await t.step("an unfinished measurement with values has started, whatever the cursors say", async () => {
    const id = await lab.add([measured({ cursor: 0 }), { ...X, cursor: 0 }], {
      completed: "NULL",
      stop_time: "NULL",
    });
    assertEquals((await lab.draft(id)).state, "incomplete");
  });
}

async function unusualFields(t: Deno.TestContext, lab: CoreToolsLab): Promise<void> {
  const add = (columns: Record<string, string>) => lab.add([measured(), X], columns);
  const attributesOf = async (id: string) =>
    (await netcdfContent(pathOf(await lab.draft(id)))).groups[""] ?? {};

  await t.step("keywords that are no list of texts", async () => {
    const keywords = async (json: string) => (await lab.draft(await add({ keywords: json }))).keywords;
    assertEquals(await keywords("NULL"), []);
    assertEquals(await keywords(`'{"a": 1}'`), []);
    assertEquals(await keywords("'null'"), []);
    assertEquals(await keywords(`'"one"'`), ["one"]);
    assertEquals(await keywords(`'["a", null, " b ", 3, "a", "", ["c"]]'`), ["a", "b", "3"]);
  });

  await t.step("an empty name", async () => {
    const id = await add({ exp_name: "'  '" });
    assertEquals((await lab.draft(id)).name, `measurement ${id}`);
  });

  await t.step(
    "a uuid beyond 2^53 stays exact; one that holds no time leaves start_time in the source's zone",
    async () => {
      const exact = await add({ uuid: "1795226479999999999" });
      assertEquals((await lab.draft(exact)).alt_uid, "1795226479999999999");
      assertEquals((await attributesOf(exact)).uuid, 1795226479999999999n);
      const small = await lab.draft(await add({ uuid: "42", start_time: "'2001-07-01 12:00:00'" }));
      assertEquals([small.alt_uid, small.collected], ["42", "2001-07-01T10:00:00.000000+00:00"]);
      const old = await lab.draft(await add({ start_time: "'0044-03-15 12:00:00 BC'" }));
      assertMatch(old.collected, /^2026-11-21T/);
      const none = await lab.read(await add({ uuid: "43", start_time: "NULL" })).catch((e) => e);
      assertEquals([none.class, none.code], ["data", "no_time"]);
    },
  );

  await t.step("times of a writer in another zone come out in UTC", async () => {
    const id = await add({
      uuid: "1795226480359917207",
      start_time: "'2026-11-20 21:01:20.282463'",
      stop_time: "'2026-11-20 21:01:25'",
    });
    const { measurement_time, completed_time } = await attributesOf(id);
    assertEquals([measurement_time, completed_time], ["2026-11-21 02:01:20.282463", "2026-11-21 02:01:25"]);
  });

  await t.step("a measurement that is finished without a stop time ends when it began", async () => {
    const { measurement_time, completed_time, completed } = await attributesOf(
      await add({ stop_time: "NULL" }),
    );
    assertEquals([completed_time, completed], [measurement_time, 1n]);
  });

  await t.step("JSON with bare NaN is read, broken JSON kept as it is, both without harm", async () => {
    const gates = { P1: { value: 201, unit: "mV" }, P2: { value: null, unit: "mV" }, IDN: { value: {} } };
    const snapshot = JSON.stringify({ station: { instruments: { gates: { parameters: gates } } }, x: "?" })
      .replace('"?"', "NaN").replace("201", "201.0");
    const bytes = (text: string) => `convert_to('${text}', 'UTF8')`;
    const withNaN = await add({ snapshot: bytes(snapshot), metadata: bytes("[Infinity]") });
    const attributes = await attributesOf(withNaN);
    assertEquals(JSON.parse(String(attributes.gates)), { P1: "201.0 mV", P2: "None mV" });
    assertEquals([attributes.snapshot, attributes.metadata], [snapshot, "[Infinity]"]);
    assertEquals((await lab.draft(withNaN)).logs, undefined);

    const broken = await add({ snapshot: bytes('{"station": '), metadata: "'\\xff00'" });
    assertEquals((await lab.draft(broken)).logs?.map((l) => l.code), [
      "snapshot_unreadable",
      "metadata_unreadable",
    ]);
    assertEquals((await attributesOf(broken)).snapshot, '{"station": ');
  });

  await t.step("a broken pulse sequence leaves the pulses out and nothing else", async () => {
    const sequences = [
      { pc0: { P1_baseband: { p0: { start: 0, stop: "late" } } } },
      { pc0: [1, 2] },
      { pc0: { q1_pulses: { p0: { start: 5, stop: 1, frequency: 1, amplitude: 1 } } } },
      { pc0: { q1_pulses: { p0: { start: 0, stop: 1, frequency: 1, amplitude: 1 } }, _total_time: 1e12 } },
    ];
    for (const sequence of sequences) {
      const snapshot = JSON.stringify({ measurement: { sequence } });
      const draft = await lab.draft(await add({ snapshot: `convert_to('${snapshot}', 'UTF8')` }));
      assertEquals(draft.files.map((f) => f.name), ["measurement"]);
      assertEquals(
        [draft.logs?.map((l) => l.code), draft.problems],
        [["pulses_failed"], undefined],
        snapshot,
      );
    }
  });

  await t.step("a measurement that was deleted", async () => {
    const error = await lab.read(99_999).catch((e) => e);
    assertEquals([error.class, error.code], ["data", "measurement_missing"]);
  });
}

async function unusualTables(t: Deno.TestContext, lab: CoreToolsLab): Promise<void> {
  const old = "_1795226479392917207_old";
  const oldMeasurement = async (location: string) =>
    await lab.add([], { sync_location: "NULL", exp_data_location: `'${location.replaceAll("'", "''")}'` });
  const rename = async (from: string, to: string) =>
    await lab.write(`ALTER TABLE "${from}" RENAME TO "${to}"`);
  const isRead = async (id: string) =>
    Object.keys((await netcdfContent(pathOf(await lab.draft(id)))).variables);

  await t.step("folded to lower case, and cut to 63 bytes, by the server", async () => {
    const long = `_Set_up_${"LÄNG".repeat(20)}_1795`;
    const id = await oldMeasurement(long);
    await lab.write(`ALTER TABLE "${old}" RENAME TO ${long}`);
    assertEquals(await isRead(id), ["vP1", "I_sd"]);
    const [table] = await lab.administer(
      "SELECT relname::text FROM pg_class WHERE relname LIKE '_set_up_%' AND relkind = 'r'",
    );
    await rename(String(table?.relname), old);
  });

  await t.step("with any characters: a name is never a part of a statement", async () => {
    const hostile = `a"; DROP TABLE measurement_parameters; --'.b`;
    const id = await oldMeasurement(hostile);
    await lab.write(`ALTER TABLE "${old}" RENAME TO "${hostile.replaceAll('"', '""')}"`);
    assertEquals(await isRead(id), ["vP1", "I_sd"]);
    await lab.write(`ALTER TABLE "${hostile.replaceAll('"', '""')}" RENAME TO "${old}"`);
    assertEquals(
      (await lab.administer("SELECT count(*)::int AS n FROM measurement_parameters"))[0]?.n !== 0,
      true,
    );
  });

  await t.step(
    "a table that is not there, or none of parameters, quarantines and publishes the rest",
    async () => {
      for (const name of ["nowhere", "pg_authid", "sample_info_overview", "x'; SELECT pg_sleep(10); --"]) {
        const draft = await lab.draft(await oldMeasurement(name));
        assertEquals([draft.files, draft.problems?.map((p) => p.code)], [[], ["parameters_missing"]], name);
        assertEquals(draft.name, "made by a test");
      }
    },
  );

  await t.step("parameters that were moved to the new table without the mark", async () => {
    const id = await lab.add([measured(), X], { sync_location: "NULL", exp_data_location: "'gone'" });
    assertEquals(await isRead(id), ["x", "y"]);
  });
}
