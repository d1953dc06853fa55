/** The platform's clock as seen from this PC (U10). */
export class PlatformClock {
  #offsetMs = 0;

  constructor(readonly now: () => number) {}

  /** Platform time minus the PC's time, ms; 0 while the two agree within what a reply can tell. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Best guess of the platform's time, ms since 1970 UTC. */
  platformNow(): number {
    return this.now() + this.#offsetMs;
  }

  /**
   * Learns from the `Date` header of a reply. It names a second, and was written somewhere between asking and
   * answering, so the offset is known as an interval; an interval that holds 0 is no sign of a wrong clock.
   * @param askedAt PC's time when the request was sent, ms
   */
  learn(date: string | null, askedAt: number): void {
    const second = date === null ? NaN : Date.parse(date);
    if (Number.isNaN(second)) return;
    const lowest = second - this.now();
    const highest = second + 1000 - askedAt;
    if (lowest > highest) return; // the PC's clock was set back meanwhile
    this.#offsetMs = lowest <= 0 && highest >= 0 ? 0 : Math.round((lowest + highest) / 2);
  }
}
