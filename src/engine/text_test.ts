import { assertEquals } from "../../tests/assert.ts";
import type { DatasetDraft } from "../kit/drafts.ts";
import { redact } from "../kit/redact.ts";
import { attributesAsText } from "./item/attributes_text.ts";
import { metadataOf } from "./item/metadata.ts";

Deno.test("attributes as text: as Python writes the values", () => {
  assertEquals(
    attributesAsText({
      a: true,
      b: false,
      c: 3,
      d: 0.02,
      e: 1e-9,
      f: 1e16,
      g: 123456.5,
      h: [1, "x"],
      i: { b: 1 },
      j: null,
      k: "",
      l: "text",
      m: 2n ** 60n,
      n: NaN,
      o: 2.5e-7,
      p: -1.5e22,
    }),
    {
      a: "True",
      b: "False",
      c: "3",
      d: "0.02",
      e: "1e-09",
      f: "1e+16",
      g: "123456.5",
      h: '[1,"x"]',
      i: '{"b":1}',
      l: "text",
      m: "1152921504606846976",
      n: "nan",
      o: "2.5e-07",
      p: "-1.5e+22",
    },
  );
});

const draft = (patch: Partial<DatasetDraft>): DatasetDraft => ({
  name: "n",
  collected: "2024-01-01T00:00:00.000000+00:00",
  keywords: [],
  ranking: 0,
  attributes: {},
  files: [],
  ...patch,
});

Deno.test("names: trimmed, without control characters, at most 255 characters with the rest in the description", () => {
  assertEquals(metadataOf(draft({ name: "  a\tb\u0007 " }), "x/y").name, "a b");
  assertEquals(metadataOf(draft({ name: " " }), "x/y").name, "y");
  const long = "ä".repeat(300);
  const { name, description } = metadataOf(draft({ name: long, description: "d" }), "x");
  assertEquals([[...name].length, name.endsWith("…"), description], [255, true, `${long}\nd`]);
});

Deno.test("keywords are unique and not empty", () => {
  assertEquals(metadataOf(draft({ keywords: ["a", " a ", "", "b"] }), "x").keywords, ["a", "b"]);
});

Deno.test("secrets do not survive in text", () => {
  assertEquals(redact("PUT https://s3/x?X-Amz-Signature=abc failed"), "PUT https://s3/x?<redacted> failed");
  assertEquals(redact("Authorization: Bearer abc.def"), "Authorization: <redacted>");
  assertEquals(redact("postgres://user:hunter2@host/db"), "postgres://user:<redacted>@host/db");
  assertEquals(redact('{"password": "hunter2"}'), '{"password": "<redacted>"}');
});
