import { assert, assertEquals } from "../../../tests/assert.ts";
import { unpackZarrCases } from "../../../tests/zarr_fixture.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { FlatReader } from "./flat_reader.ts";
import { openZarr, ZarrGroup } from "./open_zarr.ts";
import { StoreFolder } from "./store_folder.ts";

Deno.test("bands of any size give the same values", async (t) => {
  await using cases = await unpackZarrCases();
  for (
    const [store, path] of [["v3_codecs", "transposed_3d"], ["v3_shards", "complex"], [
      "v2_types",
      "scalar",
    ]] as const
  ) {
    const { root } = openZarr(cases.store(store));
    assert(root instanceof ZarrGroup);
    const array = root.get(path);
    assert(array?.kind === "array");
    const size = array.shape.reduce((a, b) => a * b, 1);
    const whole = Array.from(await array.read(0, size) as ArrayLike<unknown>);
    // From one element at a time to more than a row of chunks.
    for (const bandBytes of [1, 40, 100, 333]) {
      await t.step(`${path} in bands of ${bandBytes} bytes`, async () => {
        const reader = new FlatReader(
          new ChunkReader(new StoreFolder(cases.store(store)), path, array.metadata, path),
          array.metadata,
          bandBytes,
        );
        assertEquals(Array.from(await reader.read(0, size) as ArrayLike<unknown>), whole);
        const half = Math.floor(size / 2), width = whole.length / size;
        assertEquals(
          Array.from(await reader.read(half, size - half) as ArrayLike<unknown>),
          whole.slice(half * width),
        );
      });
    }
  }
});
