/** What an object store's reply to a PUT says about the bytes that arrived (U6). */

export type ReplyVerdict =
  | { ok: true; compared: "content-md5" | "etag" | null; note?: string }
  | { ok: false; problem: string };

const HEX_MD5 = /^[0-9a-f]{32}$/;

/**
 * Compares what the store says it received with the plain md5 of what was sent: `Content-MD5` first; else an ETag
 * that is a plain md5. Other ETags (parts, KMS, Azure) say nothing about the bytes and are only noted.
 * @param md5 hex
 */
export function verifyReply(headers: Headers, md5: string): ReplyVerdict {
  const contentMd5 = headers.get("content-md5")?.trim();
  if (contentMd5) {
    const expected = btoa(String.fromCharCode(...Uint8Array.fromHex(md5)));
    return contentMd5 === expected ? { ok: true, compared: "content-md5" } : {
      ok: false,
      problem: `the store received other bytes (Content-MD5 ${contentMd5}, sent ${expected})`,
    };
  }
  const raw = headers.get("etag")?.trim();
  if (!raw) return { ok: true, compared: null, note: "the store's reply names no checksum" };
  const etag = raw.replace(/^W\//, "").replaceAll('"', "").toLowerCase();
  const encrypted = /kms/i.test(headers.get("x-amz-server-side-encryption") ?? "") ||
    headers.has("x-amz-server-side-encryption-customer-algorithm");
  if (encrypted || !HEX_MD5.test(etag)) {
    return { ok: true, compared: null, note: `ETag ${raw} is no md5 and was not compared` };
  }
  return etag === md5
    ? { ok: true, compared: "etag" }
    : { ok: false, problem: `the store received other bytes (ETag ${etag}, sent ${md5})` };
}
