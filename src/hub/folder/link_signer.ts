/** Links to objects that carry their own permission, like presigned links of an S3 store. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { VersionKey } from "../catalogue.ts";

/** How long a link is valid, s. */
const VALIDITY = 86_400;

export interface SignedLink {
  url: string;
  /** Seconds since 1970. */
  validUntil: number;
}

/** Of an upload in parts, the part that a link is for. */
export interface LinkedPart {
  uploadId: string;
  /** From 1. */
  partNumber: number;
}

export class LinkSigner {
  /**
   * @param secret key that all processes of one hub share
   * @param now ms since 1970
   */
  constructor(private readonly secret: string, private readonly now: () => number) {}

  /** A link that allows one method on one object, or on one part of it, for 24 h. */
  link(method: "PUT" | "GET", key: VersionKey, origin: string, part?: LinkedPart): SignedLink {
    const validUntil = Math.floor(this.now() / 1000) + VALIDITY;
    const token = `${validUntil}.${this.#signature(method, key, validUntil, part)}`;
    const which = part ? `partNumber=${part.partNumber}&uploadId=${part.uploadId}&` : "";
    return { url: `${origin}/bucket/${key.uuid}/${key.version_id}?${which}token=${token}`, validUntil };
  }

  /** Whether a token allows the method on the object, or the part of it, now. */
  allows(token: string, method: "PUT" | "GET", key: VersionKey, part?: LinkedPart): boolean {
    const [expiry = "", signature = ""] = token.split(".");
    const validUntil = Number(expiry);
    if (!/^\d{1,12}$/.test(expiry) || this.now() > validUntil * 1000) return false;
    const given = new TextEncoder().encode(signature);
    const right = new TextEncoder().encode(this.#signature(method, key, validUntil, part));
    return given.length === right.length && timingSafeEqual(given, right);
  }

  #signature(method: string, key: VersionKey, validUntil: number, part?: LinkedPart): string {
    const which = part ? `\n${part.uploadId}\n${part.partNumber}` : "";
    return createHmac("sha256", this.secret)
      .update(`${method}\n${key.uuid}\n${key.version_id}\n${validUntil}${which}`)
      .digest("base64url");
  }
}
