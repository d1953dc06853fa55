/** Notices that the PC slept or that its clock was set (L24). */
import type { Env } from "../env.ts";

/** The two clocks may drift apart by this much between two looks, ms. */
const TOLERANCE_MS = 30_000;

export class ClockWatch {
  #wall: number;
  #monotonic: number;

  constructor(private readonly env: Pick<Env, "now" | "monotonic">) {
    [this.#wall, this.#monotonic] = [env.now(), env.monotonic()];
  }

  /** Whether the wall clock moved otherwise than the clock that never jumps, since the last look. */
  jumped(): boolean {
    const [wall, monotonic] = [this.env.now(), this.env.monotonic()];
    const difference = (wall - this.#wall) - (monotonic - this.#monotonic);
    [this.#wall, this.#monotonic] = [wall, monotonic];
    return Math.abs(difference) > TOLERANCE_MS;
  }
}
