/**
 * The keys that secrets are sealed with. Each has a file `<id>.key` which holds the key, or says which keychain does.
 * Keys are only added: two processes that make one at the same time have made two, and one that is lost is followed by
 * another.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import type { Keychain } from "./keychain.ts";
import { readIfThere, writePrivateFile } from "./private_file.ts";

/** Where keys are kept: `auto` is the keychain where one answers, else a file. */
export type KeyPlace = "auto" | "keychain" | "file";

export interface Key {
  id: string;
  bytes: Uint8Array;
}

const KEY_BYTES = 32;
const hexKey = z.string().regex(/^[0-9a-f]{64}$/);
const keyFileSchema = z.strictObject({
  /** `file`, or the name of a keychain. */
  kept_by: z.string(),
  /** The key itself, or what the keychain needs to give it back. */
  kept: z.string(),
});

export class KeyRing {
  readonly #opened = new Map<string, Key>();

  constructor(
    private readonly folder: string,
    private readonly place: KeyPlace,
    private readonly keychain: () => Keychain | null,
  ) {}

  /** A key for sealing: one that can be opened, else a new one. @throws SyncError `keychain_unusable` */
  async any(): Promise<Key> {
    for await (const { name } of Deno.readDir(this.folder)) {
      const id = /^([0-9a-f]+)\.key$/.exec(name)?.[1];
      const key = id && await this.#open(id, this.place).catch(() => undefined);
      if (key) return key;
    }
    return await this.#make();
  }

  /** @throws SyncError `secret_lost` when the key is gone, `secret_locked` when its keychain cannot be asked now */
  async byId(id: string): Promise<Key> {
    const key = await this.#open(id, "auto");
    if (key) return key;
    throw new SyncError("local", "secret_lost", `its key ${this.#path(id)} is gone or damaged`);
  }

  #path(id: string): string {
    return join(this.folder, `${id}.key`);
  }

  async #open(id: string, place: KeyPlace): Promise<Key | undefined> {
    const opened = this.#opened.get(id);
    if (opened) return opened;
    const file = keyFileSchema.safeParse(parsed(await readIfThere(this.#path(id)) ?? ""));
    if (!file.success) return undefined;
    const { kept_by, kept } = file.data;
    if (place !== "auto" && (place === "file") !== (kept_by === "file")) return undefined;
    const hex = hexKey.safeParse(kept_by === "file" ? kept : await this.#recall(kept_by, id, kept));
    if (!hex.success) return undefined;
    const key = { id, bytes: Uint8Array.fromHex(hex.data) };
    this.#opened.set(id, key);
    return key;
  }

  async #recall(keptBy: string, id: string, kept: string): Promise<string | undefined> {
    const keychain = this.keychain();
    if (keychain?.name === keptBy) return await keychain.recall(id, kept);
    throw new SyncError(
      "local",
      "secret_locked",
      `its key is in the keychain of ${keptBy}, which is not there`,
      {
        hint: "Run etiket-sync in the desktop session in which the secret was entered.",
      },
    );
  }

  async #make(): Promise<Key> {
    const key = { id: randomBytes(8).toString("hex"), bytes: new Uint8Array(randomBytes(KEY_BYTES)) };
    const hex = key.bytes.toHex();
    const inKeychain = this.place === "file" ? undefined : await this.#keep(key.id, hex);
    const file = inKeychain ?? { kept_by: "file", kept: hex };
    await writePrivateFile(this.#path(key.id), JSON.stringify(file) + "\n");
    this.#opened.set(key.id, key);
    return key;
  }

  async #keep(id: string, hex: string): Promise<z.infer<typeof keyFileSchema> | undefined> {
    const keychain = this.keychain();
    try {
      if (keychain) return { kept_by: keychain.name, kept: await keychain.keep(id, hex) };
      if (this.place === "auto") return undefined;
      throw new Error("this system has none that can be asked");
    } catch (cause) {
      if (this.place === "auto") return undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SyncError("local", "keychain_unusable", `no key can be kept in the keychain: ${reason}`, {
        cause,
        hint: 'Unlock it, or write store = "file" under [secrets] in config.toml.',
        retry: "after-user",
      });
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
