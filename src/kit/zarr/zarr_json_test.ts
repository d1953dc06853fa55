import { assertEquals } from "../../../tests/assert.ts";
import { parseZarrJson, toJsonText } from "./zarr_json.ts";

Deno.test("Python's JSON is read: NaN, infinities, integers beyond 2^53", () => {
  assertEquals(
    parseZarrJson(
      '{"a": NaN, "b": [-Infinity, Infinity], "c": 9007199254740993, "d": 1.0, "e": "NaN, Infinity"}',
    ),
    { a: NaN, b: [-Infinity, Infinity], c: 9007199254740993n, d: 1, e: "NaN, Infinity" },
  );
  assertEquals(parseZarrJson(String.raw`["a \" NaN", -9223372036854775808]`), ['a " NaN', -(2n ** 63n)]);
});

Deno.test("lists and maps are written as JSON text again", () => {
  assertEquals(
    toJsonText([1n, 2.5, "µ", null, true, { a: 2n ** 60n, b: NaN }]),
    '[1,2.5,"µ",null,true,{"a":"1152921504606846976","b":"NaN"}]',
  );
});
