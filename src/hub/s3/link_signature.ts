/**
 * Links to an S3 store that carry their own permission: Signature Version 4 in the query
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). Signed at once, without another
 * thread: three are made for every file.
 */
import { createHash, createHmac } from "node:crypto";

export interface S3Key {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

export class LinkSignature {
  /** The key of one day. */
  #day = { date: "", key: new Uint8Array() };

  constructor(private readonly key: S3Key) {}

  /**
   * @param url whose path needs no further encoding
   * @param now ms since 1970
   * @param validity s
   */
  sign(method: string, url: string, query: Record<string, string>, now: number, validity: number): string {
    const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
    const day = time.slice(0, 8);
    const scope = `${day}/${this.key.region}/s3/aws4_request`;
    const { host, pathname } = new URL(url);
    const sorted = Object.entries({
      ...query,
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": `${this.key.accessKeyId}/${scope}`,
      "X-Amz-Date": time,
      "X-Amz-Expires": String(validity),
      "X-Amz-SignedHeaders": "host",
    }).map(([name, value]) => [encode(name), encode(value)] as const)
      .sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `${name}=${value}`).join("&");
    const request = [method, pathname, sorted, `host:${host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
    const digest = createHash("sha256").update(request).digest("hex");
    const text = ["AWS4-HMAC-SHA256", time, scope, digest].join("\n");
    return `${url}?${sorted}&X-Amz-Signature=${hmac(this.#dayKey(day), text).toString("hex")}`;
  }

  #dayKey(date: string): Uint8Array {
    if (this.#day.date !== date) {
      const { secretAccessKey, region } = this.key;
      const start = new TextEncoder().encode(`AWS4${secretAccessKey}`);
      const key = [date, region, "s3", "aws4_request"].reduce<Uint8Array>(hmac, start);
      this.#day = { date, key: new Uint8Array(key) };
    }
    return this.#day.key;
  }
}

function hmac(key: Uint8Array, text: string) {
  return createHmac("sha256", key).update(text).digest();
}

/** As RFC 3986 has it, which leaves less unencoded than the language does. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
