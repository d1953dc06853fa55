import { assertEquals, assertThrows } from "../../../tests/assert.ts";
import { elementTypeV2, elementTypeV3 } from "./element_type.ts";
import { fillScalar } from "./fill_value.ts";

const v2 = (dtype: string) => elementTypeV2(dtype, "test").type;
const v3 = (name: string) => elementTypeV3(name, "test");

Deno.test("fill values of all forms", () => {
  assertEquals(fillScalar(v3("float64"), "NaN", ""), NaN);
  assertEquals(fillScalar(v3("float32"), "-Infinity", ""), -Infinity);
  assertEquals(fillScalar(v3("float64"), "0x3ff8000000000000", ""), 1.5);
  assertEquals(fillScalar(v3("float64"), 3n, ""), 3);
  assertEquals(fillScalar(v3("complex128"), [1n, "NaN"], ""), [1, NaN]);
  assertEquals(fillScalar(v2("<c16"), "AAAAAAAA8D8AAAAAAAAAwA==", ""), [1, -2]);
  assertEquals(fillScalar(v3("int64"), -(2n ** 63n), ""), -(2n ** 63n));
  assertEquals(fillScalar(v3("bool"), true, ""), true);
  assertEquals(fillScalar(v2("|S2"), "eno=", ""), "zz");
  assertEquals(fillScalar(v3("string"), "none", ""), "none");
});

Deno.test("no fill value reads as zero", () => {
  assertEquals(["<i4", "<f8", "|b1", "<i8", "|O"].map((dtype) => fillScalar(v2(dtype), null, "")), [
    0,
    0,
    false,
    0n,
    "",
  ]);
  assertEquals(fillScalar(v2("<c8"), undefined, ""), [0, 0]);
});

Deno.test("fill values of another type are refused", () => {
  for (
    const [type, value] of [["int32", "a"], ["float64", [1n]], ["bool", 5n], ["complex64", "x"]] as const
  ) {
    assertThrows(() => fillScalar(v3(type), value as string, "test"));
  }
});
