import { assert, assertEquals, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "./errors.ts";
import { decodeNpy } from "./npy.ts";

/** An array as numpy.lib.format writes it. */
function npy(
  descr: string,
  shape: string,
  data: ArrayLike<number>,
  version = 3,
  fortran = "False",
): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const start = version === 1 ? 10 : 12;
  const padded = header.padEnd(Math.ceil((header.length + 1 + start) / 64) * 64 - start - 1) + "\n";
  const out = new Uint8Array(start + padded.length + data.length);
  out.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0]);
  const view = new DataView(out.buffer);
  if (version === 1) view.setUint16(8, padded.length, true);
  else view.setUint32(8, padded.length, true);
  out.set(new TextEncoder().encode(padded), start);
  out.set(data, start + padded.length);
  return out;
}

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

Deno.test("versions 1, 2 and 3", () => {
  for (const version of [1, 2, 3]) {
    assertEquals(decodeNpy(npy("<f8", "(2,)", bytesOf(Float64Array.of(1.5, NaN)), version)), {
      dtype: "f8",
      shape: [2],
      values: Float64Array.of(1.5, NaN),
    });
  }
});

Deno.test("types", () => {
  const values = (descr: string, data: ArrayLike<number>, shape = "(2,)") => {
    const { dtype, values } = decodeNpy(npy(descr, shape, data));
    return [dtype, ...values];
  };
  assertEquals(values("<i8", bytesOf(BigInt64Array.of(2n ** 62n, -1n))), ["i8", 2n ** 62n, -1n]);
  assertEquals(values("|b1", [1, 0]), ["bool", 1, 0]);
  assertEquals(values(">i2", [1, 2, 255, 254]), ["i2", 258, -2]);
  assertEquals(values("<f2", [0, 0x3c, 0, 0xc0]), ["f4", 1, -2]);
  assertEquals(values("<c16", bytesOf(Float64Array.of(1, 2, 3, 4))), ["c16", 1, 2, 3, 4]);
  assertEquals(values("<U2", bytesOf(Uint32Array.of(0x1f600, 0, 0x61, 0x62))), ["text", "😀", "ab"]);
  assertEquals(values("|S2", [0x61, 0, 0x62, 0x63]), ["text", "a", "bc"]);
  assertEquals(values("<f8", bytesOf(Float64Array.of(7)), "()"), ["f8", 7]);
});

Deno.test("Fortran order comes out in C order", () => {
  const { values, shape } = decodeNpy(npy("|i1", "(2, 3)", [1, 4, 2, 5, 3, 6], 1, "True"));
  assertEquals([shape, [...values]], [[2, 3], [1, 2, 3, 4, 5, 6]]);
});

Deno.test("damage and types without a netCDF form are named", () => {
  const codeOf = (bytes: Uint8Array) => {
    const error = assertThrows(() => decodeNpy(bytes));
    assert(error instanceof SyncError);
    return error.code;
  };
  const good = npy("<f8", "(2,)", new Uint8Array(16));
  assertEquals(codeOf(good.slice(0, -1)), "npy_corrupt");
  assertEquals(codeOf(good.slice(0, 40)), "npy_corrupt");
  assertEquals(codeOf(new Uint8Array(0)), "npy_corrupt");
  assertEquals(codeOf(npy("<f8", "(99999999999, 99999999999)", [])), "npy_corrupt");
  assertEquals(codeOf(npy("|O", "(2,)", new Uint8Array(16))), "npy_unsupported");
  assertEquals(codeOf(npy("<M8[s]", "(2,)", new Uint8Array(16))), "npy_unsupported");
});
