import { assertEquals } from "../../../tests/assert.ts";
import { LinkSignature } from "./link_signature.ts";

Deno.test("a link is signed as in the example of the S3 documentation", () => {
  // "Example: Presigned URL for a GET Object operation", with the credentials given there.
  const signature = new LinkSignature({
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
  });
  const url = "https://examplebucket.s3.amazonaws.com/test.txt";
  const link = signature.sign("GET", url, {}, Date.UTC(2013, 4, 24), 86_400);
  assertEquals(
    link,
    `${url}?X-Amz-Algorithm=AWS4-HMAC-SHA256` +
      "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
      "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
      "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
  );
});
