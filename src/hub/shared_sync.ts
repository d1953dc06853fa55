/**
 * Lets concurrent callers share one fsync: whoever asks while one runs gets the next one, which starts afterwards and
 * so covers what was written before it was asked for.
 */
export class SharedSync {
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(private readonly sync: () => Promise<void>) {}

  /** Resolves once a sync that started after this call has ended. */
  request(): Promise<void> {
    this.#next ??= this.#running.catch(() => {}).then(() => {
      const next = this.sync();
      this.#running = next;
      this.#next = null;
      return next;
    });
    return this.#next;
  }
}
