/** The ETag that S3 gives an object that came in parts: md5 of the parts' md5s, then `-` and their number. */
import { createHash } from "node:crypto";

const MD5 = /^[0-9a-f]{32}$/;

/** An ETag without its quotes; null when there is none. */
export function bareEtag(header: string | null | undefined): string | null {
  const etag = header?.trim().replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
  return etag ? etag : null;
}

/** The md5 that an ETag is, if it looks like one. */
export function md5OfEtag(etag: string): string | null {
  const md5 = etag.toLowerCase();
  return MD5.test(md5) ? md5 : null;
}

/**
 * @param etags of the parts in order, with or without quotes
 * @returns null when they are no md5s
 */
export function multipartEtag(etags: string[]): string | null {
  const hash = createHash("md5");
  for (const etag of etags) {
    const md5 = md5OfEtag(bareEtag(etag) ?? "");
    if (md5 === null) return null;
    hash.update(md5, "hex");
  }
  return `${hash.digest("hex")}-${etags.length}`;
}
