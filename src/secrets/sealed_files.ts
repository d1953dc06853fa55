/** Secrets in files of the state folder, each encrypted and authenticated with AES-256-GCM (NIST SP 800-38D). */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { type KeyPlace, KeyRing } from "./key_ring.ts";
import { type Keychain, systemKeychain } from "./keychain.ts";
import { readIfThere, writePrivateFile } from "./private_file.ts";
import type { SecretId, SecretStore } from "./secret_store.ts";

export interface SealedFilesOptions {
  /** Where the keys are; default `auto`. */
  keys?: KeyPlace;
  /** Looks for the keychain, when it is needed. */
  keychain?: () => Keychain | null;
}

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const sealedSchema = z.strictObject({
  version: z.literal(1),
  key: z.string().regex(/^[0-9a-f]+$/),
  nonce: z.base64(),
  /** Ciphertext, followed by its tag. */
  sealed: z.base64(),
});

/** Opens the secrets in a folder, which is made when the first one is put there. */
export function openSecretStore(folder: string, options: SealedFilesOptions = {}): SecretStore {
  return new SealedFiles(folder, options);
}

class SealedFiles implements SecretStore {
  readonly #keys: KeyRing;

  constructor(
    private readonly folder: string,
    { keys = "auto", keychain = systemKeychain }: SealedFilesOptions,
  ) {
    this.#keys = new KeyRing(folder, keys, keychain);
  }

  async put(id: SecretId, value: string): Promise<void> {
    const path = this.#path(id);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      const key = await this.#keys.any();
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key.bytes, nonce);
      cipher.setAAD(boundTo(id));
      const parts = [cipher.update(value, "utf8"), cipher.final()];
      const sealed = Buffer.concat([...parts, cipher.getAuthTag()]).toString("base64");
      const file = { version: 1, key: key.id, nonce: nonce.toString("base64"), sealed };
      await writePrivateFile(path, JSON.stringify(file) + "\n");
    } catch (cause) {
      if (cause instanceof SyncError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SyncError("local", "secret_not_kept", `the secret cannot be kept in ${path}: ${reason}`, {
        cause,
        hint: "Free the disk, and give the state folder back to its user.",
      });
    }
  }

  async get(id: SecretId): Promise<string> {
    const path = this.#path(id);
    const text = await readIfThere(path).catch((cause) => {
      throw new SyncError("local", "secret_locked", `${path} cannot be read`, {
        cause,
        hint: "Give the state folder back to its user.",
      });
    });
    if (text === undefined) throw lost(`${path} is gone`);
    const { key, nonce, sealed } = fileOf(text, path);
    const bytes = Buffer.from(sealed, "base64");
    const { bytes: keyBytes } = await this.#keys.byId(key);
    try {
      const decipher = createDecipheriv(CIPHER, keyBytes, Buffer.from(nonce, "base64"), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(boundTo(id));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString(
        "utf8",
      );
    } catch (cause) {
      throw lost(`${path} is damaged or of another key`, cause);
    }
  }

  async delete(id: SecretId): Promise<void> {
    await Deno.remove(this.#path(id)).catch((e) => {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    });
  }

  #path(id: SecretId): string {
    if (!/^[a-z0-9][a-z0-9_-]{0,99}$/.test(id)) {
      throw new SyncError("internal", "secret_name_invalid", "the name of a secret is not one");
    }
    return join(this.folder, `${id}.sealed`);
  }
}

/** A sealed file opens under the name it was made for only. */
const boundTo = (id: SecretId) => Buffer.from(`etiket-sync secret 1 ${id}`);

function fileOf(text: string, path: string): z.infer<typeof sealedSchema> {
  try {
    return sealedSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw lost(`${path} is damaged`, cause);
  }
}

function lost(what: string, cause?: unknown): SyncError {
  return new SyncError("local", "secret_lost", what, { cause, retry: "after-user" });
}
