import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../tests/assert.ts";
import { asTruth, unpackZarrCases } from "../../../tests/zarr_fixture.ts";
import { SyncError } from "../errors.ts";
import { sizeOf } from "../labelled.ts";
import { openZarr, type ZarrArray, ZarrGroup } from "./open_zarr.ts";

function arrayAt(store: string, path: string): ZarrArray {
  const { root } = openZarr(store);
  const node = root instanceof ZarrGroup && path !== "" ? root.get(path) : root;
  assert(node?.kind === "array", `${path} is no array`);
  return node;
}

const readAll = (array: ZarrArray) => array.read(0, sizeOf(array.shape));

function code(error: unknown): string {
  assert(error instanceof SyncError, String(error));
  return error.code;
}

for (
  const name of ["v3_codecs", "v3_shards", "v3_types", "v3_missing", "v3_groups", "v2_codecs", "v2_types"]
) {
  Deno.test(`${name}: every array reads as zarr-python reads it`, async (t) => {
    await using cases = await unpackZarrCases();
    for (const { path, shape, dtype, values } of cases.truth(name)) {
      await t.step(path, async () => {
        const array = arrayAt(cases.store(name), path);
        assertEquals(array.shape, shape);
        const read = asTruth(await readAll(array), array.dtype === "c8" || array.dtype === "c16");
        // Integers of up to 32 bits are numbers here and text in the truth.
        const small = /int(8|16|32)|i4/.test(dtype);
        assertEquals(small ? read.map(String) : read, values);
      });
    }
  });
}

Deno.test("parts of an array are the parts of the whole", async () => {
  await using cases = await unpackZarrCases();
  const store = cases.store("v3_codecs");
  const whole = await readAll(arrayAt(store, "transposed_3d"));
  const array = arrayAt(store, "transposed_3d");
  assert(whole instanceof BigInt64Array);
  for (const step of [1, 7, 59]) {
    const parts: bigint[] = [];
    for (let at = 0; at < whole.length; at += step) {
      const part = await array.read(at, Math.min(step, whole.length - at));
      assert(part instanceof BigInt64Array);
      parts.push(...part);
    }
    assertEquals(parts, [...whole]);
  }
  await assertRejects(() => array.read(55, 6));
});

Deno.test("groups, attributes and dimension names are listed", async () => {
  await using cases = await unpackZarrCases();
  const { root } = openZarr(cases.store("v3_groups"));
  assert(root instanceof ZarrGroup);
  assertEquals([...root.children().keys()], ["conflict", "empty group", "runs", "square", "x"]);
  assertEquals(root.attributes["n"], 3n);
  assertEquals(root.attributes["map"], { a: { b: [1n] } });
  assertEquals(root.get("runs/a1/image")?.kind, "array");
  assertEquals(root.get("runs/a2"), undefined);
  assertEquals(arrayAt(cases.store("v3_groups"), "runs/a1/image").metadata.dims, ["frame", "row", undefined]);
});

Deno.test("a store can be one array", async () => {
  await using cases = await unpackZarrCases();
  assertEquals(await readAll(arrayAt(cases.store("lone_array"), "")), Float64Array.of(1, 2, 3));
});

Deno.test("a folder above arrays is a group without metadata of its own", async () => {
  await using cases = await unpackZarrCases();
  const store = cases.store("v3_groups");
  await Deno.remove(join(store, "runs", "zarr.json"));
  await Deno.remove(join(store, "runs", "a1", "zarr.json"));
  const { root } = openZarr(store);
  assert(root instanceof ZarrGroup);
  assertEquals(root.children().get("runs")?.kind, "group");
});

Deno.test("a damaged chunk is an error that names array and chunk, never values", async (t) => {
  await using cases = await unpackZarrCases();
  for (
    const [store, path, chunk] of [
      ["v3_codecs", "plain", "c/1/0"],
      ["v3_codecs", "zstd", "c/1/0"],
      ["v3_codecs", "gzip", "c/1/0"],
      ["v3_codecs", "blosc_lz4", "c/1/0"],
      ["v3_codecs", "crc32c", "c/1/0"],
      ["v3_codecs", "numcodecs_lz4", "c/1/0"],
      ["v2_codecs", "zlib", "1.0"],
    ] as const
  ) {
    await t.step(path, async () => {
      const file = join(cases.store(store), path, chunk);
      const bytes = await Deno.readFile(file);
      await Deno.writeFile(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
      const error = await assertRejects(() => readAll(arrayAt(cases.store(store), path)));
      assertEquals(code(error), "zarr_damaged");
      assert(error.message.includes(`array "${path}"`) && error.message.includes("chunk 1,0"), error.message);
    });
  }
});

Deno.test("a wrong CRC-32C is noticed although the content still decodes", async () => {
  await using cases = await unpackZarrCases();
  const file = join(cases.store("v3_codecs"), "crc32c", "c", "0", "0");
  const bytes = await Deno.readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await Deno.writeFile(file, bytes);
  const error = await assertRejects(() => readAll(arrayAt(cases.store("v3_codecs"), "crc32c")));
  assert(error.message.includes("checksum"), error.message);
});

async function editMetadata(file: string, edit: (doc: Record<string, unknown>) => void): Promise<void> {
  const doc: unknown = JSON.parse(await Deno.readTextFile(file));
  assert(typeof doc === "object" && doc !== null);
  edit(doc as Record<string, unknown>);
  await Deno.writeTextFile(file, JSON.stringify(doc));
}

Deno.test("metadata that is not understood is refused with its reason", async (t) => {
  const cases: [what: string, key: string, value: unknown, code: string, message: string][] = [
    ["unknown codec", "codecs", [{ name: "bytes" }, { name: "snappy" }], "zarr_unknown_codec", '"snappy"'],
    ["unknown type", "data_type", "float128", "zarr_unsupported", "float128"],
    ["structured type", "data_type", { name: "structured" }, "zarr_unsupported", "structured"],
    ["negative shape", "shape", [-1, 7], "zarr_damaged", "shape"],
    ["other rank", "shape", [5], "zarr_damaged", "chunks"],
    [
      "huge chunks",
      "chunk_grid",
      {
        name: "regular",
        configuration: { chunk_shape: [1e6, 1e6] },
      },
      "zarr_unsupported",
      "too large",
    ],
    [
      "chunks of zero",
      "chunk_grid",
      { name: "regular", configuration: { chunk_shape: [0, 4] } },
      "zarr_damaged",
      "chunks",
    ],
    ["fill value", "fill_value", "none", "zarr_damaged", "fill_value"],
    [
      "transposition",
      "codecs",
      [{ name: "transpose", configuration: { order: [0, 0] } }, { name: "bytes" }],
      "zarr_damaged",
      "transposition",
    ],
  ];
  await using fixture = await unpackZarrCases();
  for (const [what, key, value, expected, message] of cases) {
    await t.step(what, async () => {
      const file = join(fixture.store("v3_codecs"), "plain", "zarr.json");
      const before = await Deno.readFile(file);
      await editMetadata(file, (doc) => doc[key] = value);
      const error = assertThrows(() => arrayAt(fixture.store("v3_codecs"), "plain"));
      assertEquals(code(error), expected);
      assert(error.message.includes(message) && error.message.includes('array "plain"'), error.message);
      await Deno.writeFile(file, before);
    });
  }
});

Deno.test("a small chunk that inflates without bound is refused", async () => {
  await using cases = await unpackZarrCases();
  const bomb = new Blob([new Uint8Array(8 << 20)]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(join(cases.store("v3_codecs"), "gzip", "c", "0", "0"), bomb);
  const error = await assertRejects(() => readAll(arrayAt(cases.store("v3_codecs"), "gzip")));
  assertEquals(code(error), "zarr_damaged");
});

Deno.test({
  name: "links that leave the store are not followed",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using cases = await unpackZarrCases();
    const store = cases.store("v3_codecs");
    await Deno.rename(join(store, "plain", "c", "0", "0"), join(store, "..", "outside"));
    await Deno.symlink(join(store, "..", "outside"), join(store, "plain", "c", "0", "0"));
    const error = await assertRejects(() => readAll(arrayAt(store, "plain")));
    assertEquals(code(error), "zarr_damaged");
    assert(error.message.includes("leaves the store"), error.message);

    await Deno.symlink(cases.store("v2_codecs"), join(store, "elsewhere"));
    const { root } = openZarr(store);
    assert(root instanceof ZarrGroup && !root.children().has("elsewhere"));
    assertThrows(() => root.get("../v2_codecs.zarr/plain"));
  },
});

Deno.test("what is no store is refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(code(assertThrows(() => openZarr(folder))), "zarr_no_store");
    assertEquals(code(assertThrows(() => openZarr(join(folder, "none.zarr")))), "zarr_unreadable");
    await Deno.writeTextFile(join(folder, "zarr.json"), '{"zarr_format": 3, "node_type":');
    assertEquals(code(assertThrows(() => openZarr(folder))), "zarr_damaged");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
