import { fileURLToPath } from "node:url";
import { z } from "zod";
import { assert, assertEquals, assertNotEquals } from "../../../tests/assert.ts";
import type { LabelledDataset } from "../labelled.ts";
import { hashContent } from "./content_hash.ts";
import { inspectFile } from "./file_type.ts";
import { writeNetcdf } from "./netcdf_writer.ts";
import { openHdf5 } from "./open.ts";
import { array, HDF5_FIXTURES, inTempDir } from "./testing.ts";

const VECTORS = fileURLToPath(new URL("../../../tests/fixtures/native/checksum_vectors/", import.meta.url));
const Vectors = z.record(
  z.string(),
  z.object({ md5_netcdf4: z.string().optional(), not_netcdf: z.string().optional() }),
);

for (
  const [name, truth] of Object.entries(
    Vectors.parse(JSON.parse(Deno.readTextFileSync(`${VECTORS}vectors.json`))),
  )
) {
  Deno.test(`the content md5 of ${name} agrees with the platform's`, async () => {
    const { type, content_md5, deep_sha256 } = await inspectFile(`${VECTORS}${name}`, name);
    assertEquals(type, truth.md5_netcdf4 ? "HDF5_NETCDF" : "HDF5");
    assertEquals(content_md5, truth.md5_netcdf4 ?? null);
    assertEquals(deep_sha256 !== null, content_md5 !== null);
  });
}

Deno.test("text in lists, 2-D text, complex and char variables hash as an h5netcdf program hashes them", async () => {
  // Made with h5netcdf 1.8.2 and numpy 2.4 from the definition of the content md5.
  const truth = {
    "nc4_groups.nc": "443bfe17c7bd180640c0e8a6d4012577",
    "xarray_h5netcdf_complex.nc": "246d8f56de65d1d1ba2cf8deb9212ac5",
  };
  for (const [name, md5] of Object.entries(truth)) {
    using file = await openHdf5(`${HDF5_FIXTURES}${name}`);
    assertEquals(hashContent(file).content_md5, md5, name);
  }
});

function dataset(
  change: { scalar?: number; sub?: number; value?: number; text?: string } = {},
): LabelledDataset {
  const values = Float64Array.from({ length: 1_100_000 }, (_, i) => i % 100);
  values[1_099_999] = change.value ?? 0;
  return {
    attrs: { title: "t" },
    arrays: [
      array("data", "v", ["x"], [values.length], "f8", values),
      array("data", "s", [], [], "f8", Float64Array.of(change.scalar ?? 1)),
      array("data", "t", ["y"], [2], "text", ["a", change.text ?? "b"]),
    ],
    groups: {
      sub: { attrs: {}, arrays: [array("data", "w", ["z"], [1], "i4", Int32Array.of(change.sub ?? 1))] },
    },
  };
}

Deno.test("re-packing changes no hash; a scalar or a group changes the deep one alone; a value or a text both", async () => {
  await inTempDir(async (folder) => {
    const hashes = async (content: LabelledDataset, gzip?: number) => {
      await writeNetcdf(`${folder}/d.nc`, content, { gzip });
      using file = await openHdf5(`${folder}/d.nc`);
      return hashContent(file);
    };
    const plain = await hashes(dataset(), 0);
    assertEquals(await hashes(dataset(), 4), plain);
    for (const hidden of [{ scalar: 2 }, { sub: 2 }]) {
      const changed = await hashes(dataset(hidden), 0);
      assertEquals(changed.content_md5, plain.content_md5);
      assertNotEquals(changed.deep_sha256, plain.deep_sha256);
    }
    for (const visible of [{ value: 2 }, { text: "c" }]) {
      const changed = await hashes(dataset(visible), 0);
      assertNotEquals(changed.content_md5, plain.content_md5);
      assertNotEquals(changed.deep_sha256, plain.deep_sha256);
    }
  });
});

Deno.test("what can not be read outside the content md5 makes the deep hash follow the file's bytes", async () => {
  await inTempDir(async (folder) => {
    // /num/le_f2 holds float16 numbers, which are not read: 0, 1, 2, 3 …
    const path = `${folder}/types.h5`;
    const bytes = Deno.readFileSync(`${HDF5_FIXTURES}types.h5`);
    const at = bytes.toHex().indexOf("0000003c00400042") / 2;
    assert(Number.isInteger(at) && at > 0);
    const hashes = async () => {
      Deno.writeFileSync(path, bytes);
      using file = await openHdf5(path);
      return hashContent(file);
    };
    const before = await hashes();
    bytes[at] = 1;
    const after = await hashes();
    assertEquals(after.content_md5, before.content_md5);
    assertNotEquals(after.deep_sha256, before.deep_sha256);
  });
});
