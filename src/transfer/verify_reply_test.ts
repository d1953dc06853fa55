import { assertEquals } from "../../tests/assert.ts";
import { verifyReply } from "./verify_reply.ts";

const MD5 = "d41d8cd98f00b204e9800998ecf8427e";
const BASE64 = "1B2M2Y8AsgTpgAmY7PhCfg==";
const OTHER = "0".repeat(32);
const verdict = (headers: Record<string, string>) => {
  const v = verifyReply(new Headers(headers), MD5);
  return v.ok ? v.compared : "mismatch";
};

Deno.test("the store's checksum is compared where it is one (U6)", () => {
  assertEquals(verdict({ "content-md5": BASE64 }), "content-md5");
  assertEquals(verdict({ "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }), "mismatch");
  assertEquals(verdict({ "content-md5": BASE64, etag: `"${OTHER}"` }), "content-md5", "Content-MD5 wins");
  assertEquals(verdict({ etag: `"${MD5}"` }), "etag");
  assertEquals(verdict({ etag: MD5.toUpperCase() }), "etag");
  assertEquals(verdict({ etag: `"${OTHER}"` }), "mismatch");
});

Deno.test("an ETag that is no md5 is noted and not compared (U6)", () => {
  assertEquals(verdict({}), null);
  assertEquals(verdict({ etag: `"${OTHER}-3"` }), null);
  assertEquals(verdict({ etag: "0x8DCFE6A1B2C3D4E" }), null);
  assertEquals(verdict({ etag: `"${OTHER}"`, "x-amz-server-side-encryption": "aws:kms" }), null);
  assertEquals(verdict({ etag: `"${OTHER}"`, "x-amz-server-side-encryption": "AES256" }), "mismatch");
  const customerKey = { "x-amz-server-side-encryption-customer-algorithm": "AES256" };
  assertEquals(verdict({ etag: `"${OTHER}"`, ...customerKey }), null);
});
