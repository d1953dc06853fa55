import { assertEquals } from "../../../tests/assert.ts";
import { lookup3 } from "./lookup3.ts";

Deno.test("The checksum is the one of the hash's author, for every length of the last block", () => {
  const text = new TextEncoder().encode("Four score and seven years ago");
  assertEquals(lookup3(text), 0x17770551);
  assertEquals(lookup3(new Uint8Array()), 0xdeadbeef);
  const sums = Array.from({ length: 26 }, (_, n) => lookup3(text, n));
  assertEquals(new Set(sums).size, 26);
  assertEquals(sums, Array.from({ length: 26 }, (_, n) => lookup3(text.slice(0, n))));
});
