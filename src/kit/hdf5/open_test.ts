import { createHash } from "node:crypto";
import { z } from "zod";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "../../../tests/assert.ts";
import { SyncError } from "../errors.ts";
import type { Hdf5Values } from "./decode.ts";
import { hdf5ErrorCount } from "./module.ts";
import { writeNetcdf } from "./netcdf_writer.ts";
import { Hdf5Dataset, Hdf5Group } from "./objects.ts";
import { openHdf5 } from "./open.ts";
import { array, HDF5_FIXTURES, inTempDir, openDescriptors } from "./testing.ts";
import { type Hdf5Type, unreadablePart } from "./types.ts";

const Expected = z.record(
  z.string(),
  z.object({
    error: z.string().optional(),
    root_attrs: z.record(z.string(), z.unknown()).optional(),
    objects: z.record(
      z.string(),
      z.object({
        kind: z.enum(["dataset", "group", "datatype", "SoftLink", "ExternalLink"]),
        attrs: z.record(z.string(), z.unknown()).optional(),
        shape: z.array(z.number()).nullable().optional(),
        chunks: z.array(z.number()).nullable().optional(),
        values: z.unknown().optional(),
        dims: z.array(z.object({ scales: z.array(z.string()) })).nullable().optional(),
        path: z.string().optional(),
        cycle: z.boolean().optional(),
      }),
    ),
  }),
);

/** What h5py reads from each file of the fixture folder. */
const expected = Expected.parse(JSON.parse(Deno.readTextFileSync(`${HDF5_FIXTURES}expected.json`)));

/** Values in the notation of expected.json: nested lists, {re, im}, `"nan"`, `"…n"` for large integers, bytes as hex. */
function noted(values: Hdf5Values, type: Hdf5Type, shape: readonly number[]): unknown {
  const flat = elements(values, type);
  const nest = (from: number, axes: readonly number[]): unknown => {
    const [length, ...inner] = axes;
    if (length === undefined) return flat[from];
    const step = inner.reduce((a, b) => a * b, 1);
    return Array.from({ length }, (_, i) => nest(from + i * step, inner));
  };
  return nest(0, shape);
}

function elements(values: Hdf5Values, type: Hdf5Type): unknown[] {
  if (type.kind === "array" && ArrayBuffer.isView(values)) {
    const flat = elements(values, type.base);
    const size = type.shape.reduce((a, b) => a * b, 1);
    return Array.from({ length: flat.length / size }, (_, i) => flat.slice(i * size, (i + 1) * size));
  }
  if (ArrayBuffer.isView(values)) {
    if (type.kind === "bytes") {
      const hex = new Uint8Array(values.buffer).toHex();
      return Array.from(
        { length: values.byteLength / type.bytes },
        (_, i) => hex.slice(2 * i * type.bytes, 2 * (i + 1) * type.bytes),
      );
    }
    const numbers = Array.from<number | bigint, unknown>(values, number);
    if (type.kind !== "number") return numbers;
    if (type.dtype === "bool") return numbers.map((value) => value === 1);
    if (type.dtype !== "c8" && type.dtype !== "c16") return numbers;
    return Array.from(
      { length: numbers.length / 2 },
      (_, i) => ({ re: numbers[2 * i], im: numbers[2 * i + 1] }),
    );
  }
  if (Array.isArray(values)) {
    return values.map((value) =>
      typeof value === "string" ? value : elements(value, type.kind === "sequence" ? type.base : type)
    );
  }
  const fields = type.kind === "compound" ? type.fields : [];
  const columns = fields.map((field) => elements(values.fields[field.name] ?? [], field.type));
  return (columns[0] ?? []).map((_, i) =>
    Object.fromEntries(fields.map((field, column) => [field.name, columns[column]?.[i]]))
  );
}

function number(value: number | bigint): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}n`;
  return Number.isFinite(value) ? value : String(value).replace("Infinity", "inf").toLowerCase();
}

/** Read whole, and again slab by slab. */
function readBoth(dataset: Hdf5Dataset): unknown {
  const shape = dataset.shape;
  if (shape === null) return null;
  const whole = noted(dataset.read(), dataset.type, shape);
  const slabs = [...dataset.iterateSlabs()];
  const [first] = slabs;
  assertEquals(first ? noted(first, dataset.type, shape) : whole, whole);
  return whole;
}

const REFUSED: Record<string, string> = {
  "chunked.h5:/lzf": "hdf5_unknown_filter",
  "nc4_zstd.nc:/z": "hdf5_unknown_filter",
  "types.h5:/num/le_f2": "hdf5_unsupported_type",
  "types.h5:/num/be_f2": "hdf5_unsupported_type",
  "links.h5:/refs": "hdf5_unsupported_type",
  "links.h5:/regrefs": "hdf5_unsupported_type",
  "links.h5:/g/up/refs": "hdf5_unsupported_type",
  "links.h5:/g/up/regrefs": "hdf5_unsupported_type",
};

for (const [name, truth] of Object.entries(expected)) {
  if (truth.error) continue;
  Deno.test(`${name} reads as h5py reads it`, async () => {
    using file = await openHdf5(`${HDF5_FIXTURES}${name}`);
    for (const [path, object] of Object.entries(truth.objects)) {
      if (object.cycle) continue;
      const found = file.find(path);
      if (object.kind === "SoftLink") {
        const dangling = file.find(object.path ?? "") === undefined;
        assert(found && ("kind" in found) && (found.kind === "dangling") === dangling, path);
      } else if (object.kind === "ExternalLink") assertEquals(found?.kind, "external", path);
      else assertEquals(found?.kind, object.kind, path);
      if (found instanceof Hdf5Dataset) {
        if (object.kind === "SoftLink") continue;
        assertEquals(found.shape, object.shape ?? null, path);
        assertEquals(found.chunks, object.chunks ?? null, path);
        if (found.shape) assertEquals(found.scales(), (object.dims ?? []).map((axis) => axis.scales), path);
        const refusal = REFUSED[`${name}:${path}`];
        if (refusal) {
          const error = assertThrows(() => found.read());
          assert(
            error instanceof SyncError && error.code === refusal && error.class === "data",
            String(error),
          );
          assertStringIncludes(error.message, path);
        } else if (typeof object.values === "string" && object.values.startsWith("<")) readBoth(found);
        else assertEquals(readBoth(found), object.values, path);
      }
      if (found instanceof Hdf5Dataset || found instanceof Hdf5Group) {
        checkAttributes(found, object.attrs ?? {});
      }
    }
    checkAttributes(file.root, truth.root_attrs ?? {});
  });
}

function checkAttributes(owner: Hdf5Dataset | Hdf5Group, truth: Record<string, unknown>): void {
  assertEquals(owner.attributeNames().toSorted(), Object.keys(truth).toSorted(), owner.path);
  for (const [name, value] of Object.entries(truth)) {
    const { type, shape } = owner.attribute(name);
    if (value === "<dimension scale bookkeeping>") {
      assert(unreadablePart(type) !== undefined, name);
      continue;
    }
    const values = owner.attributeValues(name);
    if (values === null || shape === null) assertEquals(null, value, name);
    else if (typeof value === "string" && value.startsWith("<str ")) {
      const [text] = Array.isArray(values) ? values : [];
      assertEquals(`<str ${typeof text === "string" ? text.length : "?"}>`, value, name);
    } else assertEquals(noted(values, type, shape), value, name);
  }
}

Deno.test("chunks with gzip, shuffle, scale-offset and fletcher32 hold the values that h5py reads", async () => {
  using file = await openHdf5(`${HDF5_FIXTURES}chunked.h5`);
  const md5 = (path: string) => {
    const values = file.dataset(path).read();
    assert(ArrayBuffer.isView(values));
    return createHash("md5").update(new Uint8Array(values.buffer)).digest("hex");
  };
  // hashlib.md5(h5py.File(…)[path][...].tobytes()).hexdigest()
  assertEquals(md5("/gzip_f8"), "538ad8100e2258dbab8d06eaaa352fc1");
  assertEquals(md5("/gzip_shuffle"), "d5cb0fec83cc83b7addf6272f69626d0");
  assertEquals(md5("/scaleoffset"), "d5cb0fec83cc83b7addf6272f69626d0");
  assertEquals(md5("/fletcher"), "df597f9c6c2a512a857c9948e6c0cd0a");
});

for (
  const [name, cls, code] of [
    ["truncated.h5", "data", "hdf5_truncated"],
    ["zero.h5", "data", "hdf5_empty"],
    ["not_hdf5.h5", "data", "hdf5_not_hdf5"],
    ["classic_netcdf3.nc", "data", "hdf5_netcdf3"],
    ["swmr_open.h5", "busy", "hdf5_open_for_writing"],
    ["missing.h5", "source", "file_unreadable"],
  ] as const
) {
  Deno.test(`${name} is refused at once as ${code}, without an error of the library`, async () => {
    const before = hdf5ErrorCount();
    const error = await assertRejects(() => openHdf5(`${HDF5_FIXTURES}${name}`));
    assert(error instanceof SyncError);
    assertEquals([error.class, error.code], [cls, code]);
    assertStringIncludes(error.message, name);
    assert(error.hint.length > 0);
    assertEquals(hdf5ErrorCount(), before);
  });
}

Deno.test("a walk passes over committed types, refuses links out of the file, and ends in a group loop", async () => {
  using file = await openHdf5(`${HDF5_FIXTURES}links.h5`);
  const asides = [...file.walk()].filter((member) =>
    !(member instanceof Hdf5Group || member instanceof Hdf5Dataset)
  );
  assertEquals(asides, [
    { kind: "dangling", path: "/dangling", target: "/nowhere" },
    { kind: "external", path: "/ext", target: "types.h5:/num/le_f8" },
    { kind: "again", path: "/g/up", target: "/" },
    { kind: "datatype", path: "/type" },
  ]);
  assertThrows(() => file.dataset("/ext"));
});

Deno.test("a box of a chunked array is read alone", async () => {
  using file = await openHdf5(`${HDF5_FIXTURES}libver_latest.h5`);
  assertEquals(file.dataset("/d").read([4, 7], [2, 3]), Float64Array.of(47, 48, 49, 57, 58, 59));
});

Deno.test("slabs of 8 MiB give a large array in order", async () => {
  await inTempDir(async (folder) => {
    const path = `${folder}/large.nc`, shape = [3000, 1001];
    const ramp = (start: number, length: number) => Float64Array.from({ length }, (_, i) => start + i);
    await writeNetcdf(path, { attrs: {}, arrays: [array("data", "d", ["x", "y"], shape, "f8", ramp)] }, {
      gzip: 1,
    });
    using file = await openHdf5(path);
    let next = 0, slabs = 0;
    for (const slab of file.dataset("/d").iterateSlabs()) {
      assert(slab instanceof Float64Array && slab.byteLength <= 8 * 1024 * 1024);
      slabs++;
      for (const value of slab) if (value !== next++) throw new Error(`${value} at ${next - 1}`);
    }
    assertEquals(next, 3000 * 1001);
    assert(slabs > 1 && slabs < 8, `${slabs} slabs`);
  });
});

Deno.test("a damaged chunk is an error, never zeros, and the file is not read again from the library's cache", async () => {
  await inTempDir(async (folder) => {
    const path = `${folder}/damaged.nc`;
    const values = Float64Array.from({ length: 40_000 }, (_, i) => Math.sin(i));
    await writeNetcdf(path, { attrs: {}, arrays: [array("data", "d", ["x"], [40_000], "f8", values)] }, {
      gzip: 4,
    });
    const bytes = Deno.readFileSync(path);
    const middle = Math.floor(bytes.length / 2);
    bytes.fill(0xa5, middle, middle + 2000);
    Deno.writeFileSync(path, bytes);

    const before = hdf5ErrorCount();
    {
      using file = await openHdf5(path);
      const error = assertThrows(() => file.dataset("/d").read());
      assert(error instanceof SyncError, String(error));
      assertEquals([error.class, error.code], ["data", "hdf5_unreadable"]);
      assertStringIncludes(error.message, "/d");
    }
    assertEquals(hdf5ErrorCount(), before + 1);
    const again = await assertRejects(() => openHdf5(path));
    assert(again instanceof SyncError && again.code === "hdf5_stale" && again.class === "reader");
  });
});

Deno.test("2,000 opens, with everything read, leave no descriptor open", async () => {
  const names = ["types.h5", "strings.h5", "nc4_groups.nc", "xarray_h5netcdf_complex.nc"];
  await openHdf5(`${HDF5_FIXTURES}types.h5`).then((file) => file.close());
  const before = openDescriptors();
  for (let i = 0; i < 2000; i++) {
    using file = await openHdf5(`${HDF5_FIXTURES}${names[i % names.length]}`);
    if (i % 100 >= names.length) continue;
    for (const member of file.walk()) {
      if (member instanceof Hdf5Dataset && !unreadablePart(member.type)) member.read();
      if (member instanceof Hdf5Dataset || member instanceof Hdf5Group) member.attributes();
    }
  }
  assertEquals(openDescriptors(), before);
});
