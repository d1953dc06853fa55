/** What this reader reads is what the library reads: fixtures, and files that the library writes here. */
import * as h5 from "h5wasm/node";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { HDF5_FIXTURES, inTempDir } from "../hdf5/testing.ts";
import { SyncError } from "../errors.ts";
import { openHdf5Live } from "./open.ts";
import { assertReadsAsLibrary } from "./testing.ts";

const FIXTURES: [name: string, datasets: number][] = [
  ["chunked.h5", 8],
  ["dense_attrs.h5", 1],
  ["libver_latest.h5", 1],
  ["libver_v108.h5", 1],
  ["libver_v110.h5", 1],
  ["libver_v112.h5", 1],
  ["links.h5", 2],
  ["scales.h5", 4],
  ["strings.h5", 7],
  ["types.h5", 24],
  ["userblock.h5", 1],
  ["nc4_auto_complex.nc", 1],
  ["nc4_groups.nc", 4],
  ["nc4_zstd.nc", 0],
  ["xarray_h5netcdf_complex.nc", 6],
  ["xarray_netcdf4.nc", 6],
];

for (const [name, datasets] of FIXTURES) {
  Deno.test(`${name} reads as the library reads it`, async () => {
    const compared = await assertReadsAsLibrary(HDF5_FIXTURES + name);
    assert(compared >= datasets, `only ${compared} datasets were compared`);
  });
}

for (const libver of ["v108", "latest"] as const) {
  Deno.test(`every chunk index and filter of libver ${libver} reads as the library reads it`, async () => {
    await h5.ready;
    await inTempDir(async (folder) => {
      const path = `${folder}/file.h5`;
      writeEveryLayout(path, libver);
      assertEquals(await assertReadsAsLibrary(path), 12);
    });
  });
}

Deno.test("an open SWMR file is read, and says that it is one", () => {
  using file = openHdf5Live(HDF5_FIXTURES + "swmr_open.h5");
  assertEquals([file.superblock, file.openForWriting, file.swmr], [3, true, true]);
  const [dataset] = file.members().filter((m) => m.kind === "dataset");
  assert(dataset && file.dataset(dataset.path).shape.length > 0);
});

Deno.test("what is no HDF5 file, cut off or missing has its own error", () =>
  inTempDir((folder) => {
    const codeAt = (age: number) => (name: string) => {
      const path = `${folder}/${name}`;
      try {
        if (name !== "no.h5") Deno.copyFileSync(HDF5_FIXTURES + name, path);
        if (name !== "no.h5") Deno.utimeSync(path, new Date(), new Date(Date.now() - age));
        using file = openHdf5Live(path);
        file.members();
        return "none";
      } catch (e) {
        return e instanceof SyncError ? `${e.class} ${e.code}` : String(e);
      }
    };
    assertEquals(
      ["not_hdf5.h5", "zero.h5", "truncated.h5", "classic_netcdf3.nc", "no.h5"].map(codeAt(3_600_000)),
      [
        "data hdf5_not_hdf5",
        "data hdf5_not_hdf5",
        "data hdf5_corrupt",
        "data hdf5_not_hdf5",
        "source file_unreadable",
      ],
    );
    // One that was written a moment ago may be in the middle of being written.
    assertEquals(codeAt(1000)("truncated.h5"), "busy hdf5_torn");
    return Promise.resolve();
  }));

/** Twelve datasets: contiguous, and all chunk indices with each filter, small and with pages or several levels. */
function writeEveryLayout(path: string, libver: "v108" | "latest"): void {
  const file = new h5.File(path, "w", { libver });
  const numbers = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(i) * i);
  const make = (name: string, shape: number[], maxshape: (number | null)[], chunks: number[], filter = 0) =>
    file.create_dataset({
      name,
      data: numbers(shape.reduce((a, b) => a * b, 1)),
      shape,
      maxshape,
      chunks,
      ...(filter ? { compression: filter, compression_opts: filter === 1 ? [4] : [] } : {}),
    });
  file.create_dataset({ name: "contiguous", data: numbers(60), shape: [6, 10] });
  for (const [suffix, filter] of [["", 0], ["_gzip", 1]] as const) {
    make(`single${suffix}`, [6, 5], [6, 5], [6, 5], filter);
    make(`fixed${suffix}`, [2500, 3], [2600, 3], [1, 2], filter);
    make(`extensible${suffix}`, [2500, 3], [null, 3], [1, 2], filter);
    make(`extensible_second_axis${suffix}`, [3, 400], [7, null], [2, 3], filter);
    make(`tree${suffix}`, [70, 60], [null, null], [2, 3], filter);
  }
  file.create_dataset({ name: "texts", data: ["a", "bc", "äöü"], shape: [3] });
  file.close();
}
