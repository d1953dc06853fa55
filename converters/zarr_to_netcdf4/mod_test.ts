import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { convert, flipBits } from "../../tests/convert.ts";
import { unpackFolderbase } from "../../tests/folderbase_fixture.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { unpackZarrCases } from "../../tests/zarr_fixture.ts";
import { SyncError } from "../../src/kit/errors.ts";
import zarrToNetcdf4 from "./mod.ts";

const EXPECTED = new URL("../../tests/fixtures/folderbase/expected/", import.meta.url).pathname;

/** Asserts that all variables of the truth are there, with dims, values and attributes, and no others. */
async function assertSameNetcdf(produced: string, truth: string): Promise<void> {
  const [ours, theirs] = [await netcdfContent(produced), await netcdfContent(truth)];
  assertEquals(Object.keys(ours.variables).sort(), Object.keys(theirs.variables).sort());
  for (const [name, variable] of Object.entries(theirs.variables)) {
    const { dtype, dims, shape, values, attributes } = ours.variables[name] ?? variable;
    assertEquals({ name, dtype, dims, shape, values }, {
      name,
      dtype: variable.dtype,
      dims: variable.dims,
      shape: variable.shape,
      values: variable.values,
    });
    // xarray leaves out the NaN that floats get here when its own variable had none.
    const { _FillValue: fill, ...rest } = attributes;
    const { _FillValue: wanted = fill, ...wantedRest } = variable.attributes;
    assertEquals(fill, wanted, `${name}: _FillValue`);
    assertEquals(rest, wantedRest);
  }
  assertEquals(ours.groups[""], theirs.groups[""]);
}

Deno.test("the folder fixture's stores equal what xarray makes of them", async (t) => {
  await using fixture = await unpackFolderbase();
  for (
    const [store, truth] of [
      ["zarr v2/files/data.zarr", "zarr v2.data.nc"],
      ["zarr v3/files/data.zarr", "zarr v3.data.nc"],
      ["zarr blosc v2/b.zarr", "zarr blosc v2.b.nc"],
      ["no converter/c.zarr", "no converter.c.nc"],
    ] as const
  ) {
    await t.step(store, async () => {
      await using conversion = await convert(zarrToNetcdf4, join(fixture.root, "level_any", store));
      assert(conversion.output.endsWith(store.includes("data") ? "data.hdf5" : `${store.at(-6)}.hdf5`));
      await assertSameNetcdf(conversion.output, join(EXPECTED, truth));
    });
  }
});

for (const version of ["xarray_v2", "xarray_v3"]) {
  Deno.test(`${version}: coordinates, packed integers, times and text as xarray wrote them`, async () => {
    await using cases = await unpackZarrCases();
    await using conversion = await convert(zarrToNetcdf4, cases.store(version));
    await assertSameNetcdf(conversion.output, cases.netcdf(version));
  });
}

Deno.test("groups become groups, dimensions without a name get one, lists and maps become JSON text", async () => {
  await using cases = await unpackZarrCases();
  await using conversion = await convert(zarrToNetcdf4, cases.store("v3_groups"));
  const { variables, groups } = await netcdfContent(conversion.output);
  assertEquals(groups[""], {
    title: "groups",
    n: 3n,
    half: 0.5,
    yes: 1,
    list: '[1,2.5,"x"]',
    map: '{"a":{"b":[1]}}',
  });
  assertEquals(groups["runs/a1"], { operator: "Åsa" });
  assertEquals(variables["runs/a1/image"]?.dims, ["frame", "row", "image_dim_2"]);
  assertEquals(variables["runs/a1/image"]?.attributes.units, "counts");
  assertEquals(variables["empty group/x y"]?.values, [0, 1, 2, 3]);

  assertEquals(variables["x"]?.dims, ["x"]);
  assertEquals(variables["conflict"]?.dims, ["conflict_dim_0"]);
  assertEquals(conversion.logged.length, 1);
  assert(
    /"x" has length 5 in "conflict" and 4 in "x"/.test(conversion.logged[0] ?? ""),
    conversion.logged[0],
  );
});

Deno.test("missing elements keep their mark, and measured zeros are none", async () => {
  await using cases = await unpackZarrCases();
  await using conversion = await convert(zarrToNetcdf4, cases.store("v2_types"));
  const { variables } = await netcdfContent(conversion.output);
  assertEquals(variables["i4"]?.attributes._FillValue, undefined);
  assertEquals(variables["datetime"]?.attributes, {
    units: "nanoseconds since 1970-01-01",
    calendar: "proleptic_gregorian",
    _FillValue: -(2n ** 63n),
  });
  assertEquals(variables["missing_complex"]?.values.slice(0, 8), [0, 3, NaN, -1, NaN, -1, NaN, -1]);
  assertEquals(variables["scalar"]?.shape, []);
});

Deno.test("a store that is one array gives the variable data", async () => {
  await using cases = await unpackZarrCases();
  await using conversion = await convert(zarrToNetcdf4, cases.store("lone_array"));
  assertEquals((await netcdfContent(conversion.output)).variables["data"]?.values, [1, 2, 3]);
});

Deno.test("a store that claims far more than it holds is refused before anything is written", async () => {
  await using cases = await unpackZarrCases();
  const file = join(cases.store("lone_array"), "zarr.json");
  const text = await Deno.readTextFile(file);
  for (const length of [1e9, 1e12]) {
    await Deno.writeTextFile(file, text.replace(/"shape": \[\s*3\s*\]/, `"shape": [${length}]`));
    const error = await assertRejects(() => convert(zarrToNetcdf4, cases.store("lone_array")));
    assert(error instanceof SyncError);
    assertEquals([error.code, error.class], ["zarr_expands_too_much", "data"]);
  }
});

Deno.test("200 damaged stores: a result or a reason", async () => {
  await using cases = await unpackZarrCases();
  const targets: [store: string, file: string][] = [
    ["xarray_v2", "signal/.zarray"],
    ["xarray_v2", "signal/0.0"],
    ["xarray_v2", "time/.zattrs"],
    ["xarray_v2", ".zgroup"],
    ["xarray_v2", "label/0"],
    ["xarray_v3", "zarr.json"],
    ["xarray_v3", "signal/zarr.json"],
    ["xarray_v3", "packed/c/0"],
    ["v3_shards", "shards/zarr.json"],
    ["v3_shards", "shards/c/0/0"],
    ["v3_shards", "text/c/0"],
    ["v3_shards", "start/c/1/0"],
  ];
  const outcomes = new Map<string, number>();
  for (let seed = 0; seed < 200; seed++) {
    const [store = "", file = ""] = targets[seed % targets.length] ?? [];
    const path = join(cases.store(store), file);
    const sound = await Deno.readFile(path);
    await Deno.writeFile(path, flipBits(sound, seed));
    let outcome = "result";
    try {
      await using conversion = await convert(zarrToNetcdf4, cases.store(store));
      await netcdfContent(conversion.output);
    } catch (error) {
      assert(
        error instanceof SyncError && error.class === "data",
        `seed ${seed}, ${store}/${file}: ${error}`,
      );
      assert(error.message.includes(`${store}.zarr`), error.message);
      outcome = "reason";
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await Deno.writeFile(path, sound);
  }
  assertEquals([...outcomes.keys()].sort(), ["reason", "result"]);
});
