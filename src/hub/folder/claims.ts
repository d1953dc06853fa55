/** Who writes which part at its place in the whole. */
import { HubError } from "../hub_error.ts";

/** The right to write one part, until it is released or revoked. */
export class Claim {
  #isRevoked = false;
  #written: Promise<unknown> = Promise.resolve();

  /** Tells of a write that has begun. */
  note(written: Promise<unknown>): void {
    this.#written = written;
  }

  /** To be called right before every write. @throws HubError 409 when the claim was revoked */
  require(): void {
    if (this.#isRevoked) throw completing();
  }

  /** Resolves once the write that has begun is over: no other follows it. */
  async revoke(): Promise<void> {
    this.#isRevoked = true;
    await this.#written.catch(() => {});
  }
}

/** The claims of one upload, by part number. */
export class Claims {
  readonly #claims = new Map<number, Claim>();

  has(number: number): boolean {
    return this.#claims.has(number);
  }

  take(number: number): Claim {
    const claim = new Claim();
    this.#claims.set(number, claim);
    return claim;
  }

  release(number: number): void {
    this.#claims.delete(number);
  }

  /** Resolves once nobody writes any more, however long a sender still takes to find that out. */
  async revokeAll(): Promise<void> {
    await Promise.all(this.#claims.values().map((claim) => claim.revoke()));
  }
}

export function completing(): HubError {
  return new HubError(409, "the parts of this upload are being put together: it takes no more");
}
