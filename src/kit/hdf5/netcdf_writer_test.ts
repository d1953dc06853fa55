import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../../tests/assert.ts";
import { SyncError } from "../errors.ts";
import type { LabelledDataset } from "../labelled.ts";
import { writeNetcdf } from "./netcdf_writer.ts";
import { openHdf5 } from "./open.ts";
import { array, inTempDir } from "./testing.ts";

/** A 2 × 3 scan with every kind of coordinate, attribute and type. */
function scan(): LabelledDataset {
  return {
    attrs: {
      title: "tést",
      run_id: 7n,
      ratio: 1.5,
      flags: BigInt64Array.of(1n, 2n),
      names: ["a", "é"],
      empty: [],
      ok: true,
      NAME: "the user's own",
      snapshot: "{}".padEnd(100_000),
    },
    arrays: [
      array("data", "sig", ["x", "y"], [2, 3], "f8", Float64Array.of(0, 1, 2, 3, 4, NaN), {
        units: "V",
        long_name: "Signal",
        depends_on: ["x", "y"],
      }),
      array("coordinate", "x", ["x"], [2], "f8", Float64Array.of(0.5, 1), { units: "mV" }),
      array("coordinate", "y", ["y"], [3], "i8", BigInt64Array.of(1n, 2n, 2n ** 60n)),
      array("coordinate", "power", ["x", "y"], [2, 3], "f4", new Float32Array(6)),
      array("coordinate", "far", ["q"], [1], "f8", new Float64Array(1)),
      array("coordinate", "temperature", [], [], "f8", Float64Array.of(0.02)),
      array("data", "counts", ["x", "bare"], [2, 2], "i4", Int32Array.of(1, 2, 3, 4), { _FillValue: -1 }),
      array("data", "note", ["y"], [3], "text", ["", "µ 🙂", "trailing  "]),
      array("data", "on", ["x"], [2], "bool", Uint8Array.of(0, 1)),
      array("data", "iq", ["x"], [2], "c16", Float64Array.of(1, 2, 3, -4)),
      array("data", "none", ["nothing"], [0], "f8", new Float64Array(0)),
      array("data", "alone", [], [], "text", ["hi"]),
    ],
    groups: {
      sub: {
        attrs: { k: "v" },
        arrays: [array("data", "z", ["x", "w"], [2, 2], "u2", Uint16Array.of(1, 2, 3, 4))],
      },
    },
  };
}

Deno.test("values, scales, coordinates and attributes are there when the file is read back", async () => {
  await inTempDir(async (folder) => {
    await writeNetcdf(`${folder}/scan.nc`, scan());
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), ["scan.nc"]);
    using file = await openHdf5(`${folder}/scan.nc`);

    const order = file.members(file.root).map((member) => member.path);
    assertEquals(order.slice(3), [
      ...["/x", "/y", "/power", "/far", "/temperature"],
      ...["/sig", "/counts", "/note", "/on", "/iq", "/none", "/alone", "/sub"],
    ]);
    assertEquals(order.slice(0, 3).toSorted(), ["/bare", "/nothing", "/q"]);

    const root = file.root.attributes();
    assertEquals(Object.keys(root), [
      ...["title", "run_id", "ratio", "flags", "names", "empty", "ok", "NAME_", "snapshot", "coordinates"],
    ]);
    assertEquals(root.coordinates, "far");
    assertEquals(root.run_id, 7n);
    assertEquals(root.ok, 1);
    assertEquals(root.empty, new Float64Array(0));
    assertEquals(root.names, ["a", "é"]);
    assertEquals(root.snapshot, "{}".padEnd(100_000));

    const sig = file.dataset("/sig");
    assertEquals(sig.read(), Float64Array.of(0, 1, 2, 3, 4, NaN));
    assertEquals(sig.scales(), [["/x"], ["/y"]]);
    assertEquals(sig.attributes(), {
      _FillValue: NaN,
      units: "V",
      long_name: "Signal",
      depends_on: ["x", "y"],
      coordinates: "power temperature",
    });
    assertEquals(sig.attributeValue("_Netcdf4Coordinates"), Int32Array.of(0, 1));

    assertEquals(file.dataset("/x").scaleName, "x");
    assertEquals(file.dataset("/y").read(), BigInt64Array.of(1n, 2n, 2n ** 60n));
    assertEquals(file.dataset("/y").attributes(), {});
    assertEquals(
      file.dataset("/bare").scaleName,
      "This is a netCDF dimension but not a netCDF variable.         2",
    );
    assertEquals(file.dataset("/counts").scales(), [["/x"], ["/bare"]]);
    assertEquals(file.dataset("/counts").attributeValues("_FillValue"), Int32Array.of(-1));
    assertEquals(file.dataset("/note").read(), ["", "µ 🙂", "trailing  "]);
    assertEquals(file.dataset("/on").read(), Int8Array.of(0, 1));
    assertEquals(file.dataset("/on").attributeValue("dtype"), "bool");
    assertEquals(file.dataset("/iq").dtype, "c16");
    assertEquals(file.dataset("/iq").read(), Float64Array.of(1, 2, 3, -4));
    assertEquals(file.dataset("/none").shape, [0]);
    assertEquals(file.dataset("/none").scales(), [["/nothing"]]);
    assertEquals(file.dataset("/alone").read(), ["hi"]);
    assertEquals(file.dataset("/sub/z").scales(), [["/x"], ["/sub/w"]]);
    assertEquals(file.dataset("/sub/z").read(), Uint16Array.of(1, 2, 3, 4));
  });
});

Deno.test("equal input gives equal bytes on another day", async () => {
  await inTempDir(async (folder) => {
    await writeNetcdf(`${folder}/a.nc`, scan());
    const now = Date.now;
    Date.now = () => now() + 86_400_000;
    try {
      await writeNetcdf(`${folder}/b.nc`, scan());
    } finally {
      Date.now = now;
    }
    assertEquals(Deno.readFileSync(`${folder}/a.nc`), Deno.readFileSync(`${folder}/b.nc`));
  });
});

Deno.test("a slab source is asked for rising, contiguous ranges of at most 8 MiB", async () => {
  await inTempDir(async (folder) => {
    for (const shape of [[2_500_000], [1500, 1700], [7, 600, 600], [3, 2, 250_000]]) {
      const size = shape.reduce((a, b) => a * b, 1);
      let next = 0;
      const source = (start: number, length: number) => {
        assertEquals(start, next);
        assert(length * 8 <= 8 * 1024 * 1024);
        next += length;
        return Promise.resolve(Float64Array.from({ length }, (_, i) => Math.floor((start + i) / 10)));
      };
      const dims = shape.map((_, axis) => `d${axis}`);
      const path = `${folder}/slabs.nc`;
      await writeNetcdf(path, { attrs: {}, arrays: [array("data", "v", dims, shape, "f8", source)] });
      assertEquals(next, size);
      using file = await openHdf5(path);
      const values = file.dataset("/v");
      assertEquals(values.filters.map((filter) => filter.name), ["deflate"]);
      const chunkBytes = (values.chunks ?? []).reduce((a, b) => a * b, 8);
      assert(chunkBytes >= 64 * 1024 && chunkBytes <= 1024 * 1024, `${values.chunks}`);
      let expected = 0;
      for (const slab of values.iterateSlabs()) {
        assert(slab instanceof Float64Array);
        for (const value of slab) {
          if (value !== Math.floor(expected++ / 10)) {
            throw new Error(`${value} at ${expected - 1} of ${shape}`);
          }
        }
      }
      assertEquals(expected, size);
    }
  });
});

Deno.test("noise and small arrays are not compressed, unless a level is given", async () => {
  await inTempDir(async (folder) => {
    const noise = new Float64Array(50_000);
    crypto.getRandomValues(new Uint8Array(noise.buffer).subarray(0, 65_536));
    for (let i = 8192; i < noise.length; i++) noise[i] = Math.sin(i * i) * noise.length;
    const dataset: LabelledDataset = {
      attrs: {},
      arrays: [
        array("data", "noise", ["n"], [noise.length], "f8", noise),
        array("data", "small", ["m"], [1000], "f8", new Float64Array(1000)),
      ],
    };
    const filters = async (gzip?: number) => {
      await writeNetcdf(`${folder}/n.nc`, dataset, { gzip });
      using file = await openHdf5(`${folder}/n.nc`);
      return ["/noise", "/small"].map((path) => file.dataset(path).filters.length);
    };
    assertEquals(await filters(), [0, 0]);
    assertEquals(await filters(0), [0, 0]);
    assertEquals(await filters(1), [1, 0]);
  });
});

Deno.test("names that HDF5 can not hold are replaced and stay distinct", async () => {
  await inTempDir(async (folder) => {
    const value = () => Float64Array.of(1);
    await writeNetcdf(`${folder}/names.nc`, {
      attrs: { " blank ": "b", "": "nothing", "_Netcdf4Dimid": "mine" },
      arrays: ["a/b", "a_b", " lead", ".", "", "tab\tnul\0", "n\u0303"].map((name) =>
        array("data", name, ["n/m"], [1], "f8", value())
      ),
    });
    using file = await openHdf5(`${folder}/names.nc`);
    assertEquals(file.members(file.root).map((member) => member.path.slice(1)), [
      ...["n_m", "a_b", "a_b_2", "lead", "_", "__2", "tab_nul_", "ñ"],
    ]);
    assertEquals(Object.keys(file.root.attributes()), ["blank", "_"]);
    assert(file.root.attributeNames().includes("_Netcdf4Dimid_"));
  });
});

Deno.test("a variable that shares the name of a dimension it does not index is kept under netCDF's own name", async () => {
  await inTempDir(async (folder) => {
    await writeNetcdf(`${folder}/twod.nc`, {
      attrs: {},
      arrays: [array("data", "x", ["x", "y"], [1, 2], "f8", Float64Array.of(1, 2))],
    });
    using file = await openHdf5(`${folder}/twod.nc`);
    assertEquals(file.dataset("/_nc4_non_coord_x").scales(), [["/x"], ["/y"]]);
  });
});

Deno.test("contradictions are data errors that name the variable, and leave no file behind", async () => {
  await inTempDir(async (folder) => {
    const four = () => new Float64Array(4);
    const cases: LabelledDataset["arrays"][] = [
      [array("data", "bad", ["x"], [5], "f8", four())],
      [array("data", "bad", ["x"], [4], "f4", four())],
      [array("data", "bad", ["x"], [4], "text", four())],
      [array("data", "bad", ["x", "y"], [4], "f8", four())],
      [
        array("data", "ok", ["x"], [2], "f4", new Float32Array(2)),
        array("data", "bad", ["x"], [4], "f8", four()),
      ],
    ];
    for (const arrays of cases) {
      const error = await assertRejects(() => writeNetcdf(`${folder}/bad.nc`, { attrs: {}, arrays }));
      assert(error instanceof SyncError, String(error));
      assertEquals([error.class, error.code], ["data", "netcdf_invalid_dataset"]);
      assertStringIncludes(error.message, "bad");
      assertEquals([...Deno.readDirSync(folder)].length, 0);
    }
  });
});

Deno.test("a source that fails leaves the older file as it was", async () => {
  await inTempDir(async (folder) => {
    const path = `${folder}/kept.nc`;
    Deno.writeTextFileSync(path, "older");
    const failing = () => {
      throw new SyncError("source", "gone", "the database went away");
    };
    const arrays = [array("data", "d", ["x"], [10], "f8", failing)];
    const error = await assertRejects(() => writeNetcdf(path, { attrs: {}, arrays }));
    assert(error instanceof SyncError && error.code === "gone");
    assertEquals(Deno.readTextFileSync(path), "older");
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  });
});

Deno.test("a folder that can not be written to is a local error", async () => {
  const error = await assertRejects(() => writeNetcdf("/nonexistent/folder/x.nc", { attrs: {}, arrays: [] }));
  assert(error instanceof SyncError);
  assertEquals([error.class, error.code], ["local", "netcdf_write_failed"]);
});
