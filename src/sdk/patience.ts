/** A signal that fires when nothing was heard for some time. */
export class Patience {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout>;

  constructor(private readonly ms: number) {
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  /** Ends what still runs under the signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  #start() {
    return setTimeout(() => this.#controller.abort(new Error("no answer in time")), this.ms);
  }
}
