import { assertEquals } from "../../tests/assert.ts";
import type { Attributes } from "../../src/kit/labelled.ts";
import { decodeVersion2, isVersion2 } from "./dataset_v2.ts";

const decoded = (attrs: Attributes) => decodeVersion2({ variables: [], attrs, groups: {} }).attrs;

Deno.test("JSON texts become values of their own types; null goes, what netCDF cannot hold stays text", () => {
  assertEquals(
    decoded({
      quantify_dataset_version: '"2.0.0"',
      text: '"µV"',
      yes: "true",
      integer: "12",
      large: "12345678901234567890",
      float: "2.0",
      nan: "NaN",
      nothing: "null",
      texts: '["a", "b"]',
      integers: "[1, 2]",
      floats: "[1.5, 2]",
      mixed: '[1, "a"]',
      map: '{"a": 1}',
      broken: "{",
      number: Float64Array.of(1),
    }),
    {
      quantify_dataset_version: "2.0.0",
      text: "µV",
      yes: true,
      integer: 12n,
      large: "12345678901234567890",
      float: 2,
      nan: NaN,
      texts: ["a", "b"],
      integers: BigInt64Array.of(1n, 2n),
      floats: Float64Array.of(1.5, 2),
      mixed: '[1, "a"]',
      map: '{"a": 1}',
      broken: "{",
      number: Float64Array.of(1),
    },
  );
});

Deno.test("attributes named in json_serialize_exclude are taken as they are", () => {
  const attrs = {
    json_serialize_exclude: '["raw", "json_like"]',
    raw: "plain",
    json_like: '"quoted"',
    other: '"x"',
  };
  assertEquals(decoded(attrs), {
    json_serialize_exclude: ["raw", "json_like"],
    raw: "plain",
    json_like: '"quoted"',
    other: "x",
  });
});

Deno.test("version 2 is known by its own attribute", () => {
  const measurement = (attrs: Attributes) => ({ variables: [], attrs, groups: {} });
  assertEquals(isVersion2(measurement({ quantify_dataset_version: '"2.0.0"' })), true);
  assertEquals(isVersion2(measurement({ name: '"x"' })), false);
});
