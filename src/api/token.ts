/** The capability token of the local API: whoever can read the user's state folder may do everything the user may. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { SyncError } from "../kit/errors.ts";

export interface TokenCheck {
  /** @param header value of `Authorization`, null when there is none */
  accepts(header: string | null): boolean;
}

/**
 * The token in a file, made on first use; only the user may read it.
 * @throws SyncError `state_folder_unusable` when the file can be neither read nor made
 */
export async function openToken(path: string): Promise<TokenCheck> {
  let token: string;
  try {
    token = await readToken(path) ?? await makeToken(path);
  } catch (cause) {
    throw new SyncError("local", "state_folder_unusable", `cannot read or make ${path}`, {
      cause,
      hint: "Give the file back to its user, or remove it.",
    });
  }
  return tokenCheck(token);
}

export function tokenCheck(token: string): TokenCheck {
  const known = digest(token);
  return {
    accepts(header) {
      const given = /^bearer +(\S+)$/i.exec(header ?? "")?.[1];
      return given !== undefined && timingSafeEqual(digest(given), known);
    },
  };
}

async function readToken(path: string): Promise<string | undefined> {
  try {
    const token = (await Deno.readTextFile(path)).trim();
    if (Deno.build.os !== "windows") await Deno.chmod(path, 0o600);
    // Shorter than what is made here: cut off, or not ours.
    return token.length >= 43 ? token : undefined;
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return undefined;
    throw e;
  }
}

async function makeToken(path: string): Promise<string> {
  const token = randomBytes(32).toString("base64url");
  const draft = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, `${token}\n`, { mode: 0o600, createNew: true });
  await Deno.rename(draft, path);
  return token;
}

/** Equal lengths whatever was given. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
