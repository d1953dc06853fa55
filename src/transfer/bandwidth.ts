/** Bytes per second that all transfers together may use (U12). */
export interface Bandwidth {
  /** Resolves when `bytes` may be sent. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}
