import { assertEquals } from "../../../tests/assert.ts";
import { inspectFile } from "./file_type.ts";
import { HDF5_FIXTURES, inTempDir } from "./testing.ts";

const HASHED = ["nc4_auto_complex.nc", "nc4_groups.nc", "xarray_h5netcdf_complex.nc", "xarray_netcdf4.nc"];
/** netCDF by its scales, but without its filter there is no content md5. */
const UNHASHED = ["nc4_zstd.nc"];
/** Files that are not read, or not to the end, and the log that says why. */
const LOGGED: Record<string, string> = {
  "classic_netcdf3.nc": "suffix_content_mismatch",
  "not_hdf5.h5": "suffix_content_mismatch",
  "zero.h5": "suffix_content_mismatch",
  "swmr_open.h5": "hdf5_open_for_writing",
  "truncated.h5": "hdf5_truncated",
  "nc4_zstd.nc": "hdf5_unknown_filter",
};

Deno.test("every HDF5 fixture gets a type, the broken ones with a log", async () => {
  for (const { name } of Deno.readDirSync(HDF5_FIXTURES)) {
    if (!/\.(h5|nc)$/.test(name)) continue;
    const { type, logs, content_md5, deep_sha256 } = await inspectFile(HDF5_FIXTURES + name, name);
    assertEquals(type, [...HASHED, ...UNHASHED].includes(name) ? "HDF5_NETCDF" : "HDF5", name);
    assertEquals(logs.map((log) => log.code), LOGGED[name] ? [LOGGED[name]] : [], name);
    assertEquals(
      [content_md5?.length, deep_sha256?.length],
      HASHED.includes(name) ? [32, 64] : [undefined, undefined],
      name,
    );
  }
});

Deno.test("other types go by the suffix, whatever its case", async () => {
  const type = async (filename: string) =>
    (await inspectFile(`${HDF5_FIXTURES}expected.json`, filename)).type;
  assertEquals(await type("a.JSON"), "JSON");
  assertEquals(await type("a.txt"), "TEXT");
  assertEquals(await type("a.npz"), "UNKNOWN");
  assertEquals(await type("a.h5.png"), "UNKNOWN");
  assertEquals(await type("Makefile"), "UNKNOWN");
  assertEquals(await type("a.HDF5"), "HDF5");
});

Deno.test("a file with a user block and one cut inside its superblock are judged by their signature", async () => {
  await inTempDir(async (folder) => {
    assertEquals((await inspectFile(`${HDF5_FIXTURES}userblock.h5`, "u.h5")).logs, []);
    const path = `${folder}/cut.h5`;
    Deno.writeFileSync(path, Deno.readFileSync(`${HDF5_FIXTURES}scales.h5`).subarray(0, 60));
    const cut = await inspectFile(path, "cut.h5");
    assertEquals([cut.type, cut.logs.map((log) => log.code)], ["HDF5", ["hdf5_truncated"]]);
  });
});
