/** Where passwords and tokens are kept: what the rest of the program knows of it. */

/** Names one secret: small letters, digits, `-` and `_`. */
export type SecretId = string;

export interface SecretStore {
  /**
   * Keeps a value, in place of an older one of that name.
   * @throws SyncError of class local: `secret_not_kept` (disk full, folder not writable), `keychain_unusable`
   */
  put(id: SecretId, value: string): Promise<void>;
  /**
   * @throws SyncError of class local: `secret_lost` when it is not there or can never be opened again, `secret_locked`
   * when it can be opened later
   */
  get(id: SecretId): Promise<string>;
  /** Forgets a value; nothing happens when there is none. */
  delete(id: SecretId): Promise<void>;
}
