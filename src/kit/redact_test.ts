import { assertEquals } from "../../tests/assert.ts";
import { hideKnownSecrets, redact, rememberSecret } from "./redact.ts";

Deno.test("a secret that was told of is hidden in every form a text may quote", () => {
  rememberSecret('p@ss "wörd"/1+');
  for (
    const form of [
      'p@ss "wörd"/1+',
      String.raw`p@ss \"wörd\"/1+`,
      "p%40ss%20%22w%C3%B6rd%22%2F1%2B",
      "cEBzcyAid8O2cmQiLzEr",
    ]
  ) {
    assertEquals(redact(`cannot open <${form}> at host`), "cannot open <<redacted>> at host");
  }
  assertEquals(hideKnownSecrets("password=other"), "password=other");
});

Deno.test("what a setting should be is said, what it is not", () => {
  const problem = '"password": expected a text, got an integer';
  assertEquals(redact(problem), problem);
  assertEquals(
    redact('{"password": "fish", "token":12, "n": 1}'),
    '{"password": "<redacted>", "token":<redacted>, "n": 1}',
  );
  assertEquals(
    redact("{'password': 'fish'} password=fish"),
    "{'password': '<redacted>'} password=<redacted>",
  );
});

Deno.test("a short secret is hidden as a word of its own, and is no reason to spoil other words; signs of patterns mean nothing", () => {
  rememberSecret("lab");
  rememberSecret("x");
  rememberSecret("a-b_c.d?>>>");
  rememberSecret("\ud800 lone");
  assertEquals(redact("a-b_c.d?>>> YS1iX2MuZD8-Pj4 a-b_cxd?>>>"), "<redacted> <redacted> a-b_cxd?>>>");
  assertEquals(redact("user:lab label x"), "user:<redacted> label x");
});
