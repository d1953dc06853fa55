import { assertEquals } from "../../../tests/assert.ts";
import { crc32c } from "./crc32c.ts";

Deno.test("CRC-32C of the check string (RFC 3720)", () => {
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assertEquals(crc32c(new Uint8Array(0)), 0);
});
