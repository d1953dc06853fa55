/**
 * Secrets of sources' configurations: what the catalog holds, and everything that reads it, are references; the values
 * are in the secret store, and are put in for the reader process alone (unsealing_readers.ts).
 */
import { z } from "zod";
import type { Config, Field } from "../../kit/define_backend.ts";
import { SyncError } from "../../kit/errors.ts";
import { rememberSecret } from "../../kit/redact.ts";
import type { SecretStore } from "../../secrets/secret_store.ts";

const referenceSchema = z.strictObject({ sealed: z.string() });

/** Whether a value of a configuration stands for a secret. */
export function isReference(value: unknown): value is z.infer<typeof referenceSchema> {
  return referenceSchema.safeParse(value).success;
}

/** The configuration without its secrets, under whatever name they were given. */
export function withoutSecrets(fields: readonly Field[], config: Config): Config {
  const names = secretNames(fields);
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !names.has(key) && !isReference(value)),
  );
}

/** The secrets among the values that a user gave; from now on they appear in no message. */
export function secretsGiven(fields: readonly Field[], given: Config): Config {
  const names = secretNames(fields);
  const secrets = Object.entries(given).filter(([key]) => names.has(key));
  for (const [, value] of secrets) remember(value);
  return Object.fromEntries(secrets);
}

function secretNames(fields: readonly Field[]): Set<string> {
  return new Set(fields.filter((f) => f.secret).flatMap((f) => [f.name, ...(f.aliases ?? [])]));
}

function remember(value: unknown): void {
  if (typeof value === "string" || typeof value === "number") rememberSecret(String(value));
}

/** The error of a secret that cannot be opened, with the name of the source; every other one as it is. */
export function namingSource(error: unknown, name: string): unknown {
  if (!(error instanceof SyncError) || !/^secret_(lost|locked)$/.test(error.code)) return error;
  return new SyncError(error.class, error.code, `"${name}": ${error.message}`, {
    hint: error.hint.replace("NAME", () => JSON.stringify(name)),
    retry: error.retry,
    cause: error,
  });
}

export class SourceSecrets {
  /** @param newId gives ids that were never given before */
  constructor(private readonly store: SecretStore, private readonly newId: () => string) {}

  /**
   * The configuration with the values that its references stand for.
   * @throws SyncError of class source `secret_lost`, `secret_locked`
   */
  async open(config: Config): Promise<Config> {
    const opened = { ...config };
    for (const [key, value] of Object.entries(config)) {
      if (isReference(value)) opened[key] = await this.#valueOf(key, value.sealed);
    }
    return opened;
  }

  /**
   * The configuration with references in place of its secrets. References stay, and a value that is as before keeps its
   * own; every other one gets a new reference, so that who holds the configuration sees that it changed.
   * @throws SyncError `secret_not_kept`, `keychain_unusable`
   */
  async seal(fields: readonly Field[], config: Config, before: Config = {}): Promise<Config> {
    const sealed = { ...config };
    for (const { name } of fields.filter((f) => f.secret)) {
      const value = sealed[name];
      if (value === undefined || value === null || isReference(value)) continue;
      sealed[name] = await this.#standsFor(before[name], value) ? before[name] : await this.#put(value);
    }
    return sealed;
  }

  /** Whether the secrets of a configuration, in clear or as references, are those of a stored one. */
  async areEqual(fields: readonly Field[], config: Config, stored: Config): Promise<boolean> {
    for (const { name } of fields.filter((f) => f.secret)) {
      const [value, reference] = [config[name], stored[name]];
      if (isReference(value) && isReference(reference) && value.sealed === reference.sealed) continue;
      if (value === undefined && reference === undefined) continue;
      if (!await this.#standsFor(reference, value)) return false;
    }
    return true;
  }

  /** Forgets the secrets of a configuration, except those that another one refers to. */
  async forget(config: Config, keeping: Config = {}): Promise<void> {
    const kept = new Set(Object.values(keeping).filter(isReference).map((r) => r.sealed));
    for (const value of Object.values(config)) {
      if (isReference(value) && !kept.has(value.sealed)) await this.store.delete(value.sealed);
    }
  }

  async #put(value: unknown): Promise<unknown> {
    const id = `source-${this.newId()}`;
    await this.store.put(id, JSON.stringify(value));
    return { sealed: id };
  }

  async #valueOf(key: string, id: string): Promise<unknown> {
    try {
      const value: unknown = JSON.parse(await this.store.get(id));
      remember(value);
      return value;
    } catch (cause) {
      const error = SyncError.from(cause);
      const again = `Enter the ${key} again: etiket-sync source update NAME --secret ${key}`;
      throw new SyncError("source", error.code, `the ${key} cannot be unsealed: ${error.message}`, {
        cause,
        hint: error.code === "secret_locked" && error.hint ? error.hint : again,
        retry: error.retry,
      });
    }
  }

  /** One that cannot be opened stands for nothing any more. */
  async #standsFor(reference: unknown, value: unknown): Promise<boolean> {
    if (!isReference(reference)) return false;
    const text = await this.store.get(reference.sealed).catch(() => undefined);
    return text === JSON.stringify(value);
  }
}
