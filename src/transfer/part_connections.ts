/**
 * How many parts of a file are under way at once (U7). A kill or a cut costs what each connection had sent of its part, so
 * that parts go one after another while one connection fills the line. On a long line (a store 200 ms away) it does not:
 * then a further one is tried, and kept if it measurably raises the throughput.
 */
import type { Env } from "../env.ts";
import type { TransferContext } from "./context.ts";

/** Parts of a file at once, at most (U13). */
const MOST = 3;
/**
 * A connection on which a part went this quick, bytes per second, fills the line: where others went slower, then because
 * this computer or the store had other things to do.
 */
const ENOUGH = 10 * 1024 * 1024;
/** A further connection must raise the throughput by this factor, or it goes again. */
const WORTHWHILE = 1.25;
/** Parts of each connection that a measurement takes; those that were under way when it began do not count. */
const ROUND = 4;
/** A connection that was of no use is tried again after this many measurements, later after more and more. */
const REST = 8;
const LONGEST_REST = 128;

export class PartConnections {
  #value = 1;
  /** Bytes per second with one connection less; undefined unless one is being tried. */
  #before: number | undefined;
  #uploads = 0;
  #resting = 0;
  #nextRest = REST;
  /** Parts that are still to end before the measurement begins. */
  #unmeasured = 1;
  #parts = 0;
  #bytes = 0;
  #since = 0;
  /** Bytes per second of the part that went quickest. */
  #quickest = 0;

  constructor(private readonly env: Pick<Env, "monotonic">) {}

  /** Connections that each upload may use now: several uploads at once fill the line together. */
  get value(): number {
    return this.#uploads > 1 ? 1 : this.#value;
  }

  /** An upload begins. @returns to be called when it has ended */
  enter(): () => void {
    this.#uploads++;
    this.#measureAnew();
    return () => {
      this.#uploads--;
      this.#measureAnew();
    };
  }

  /** A part arrived. @param bytes its size @param ms how long it took */
  arrived(bytes: number, ms: number): void {
    if (this.#uploads !== 1) return;
    this.#quickest = Math.max(this.#quickest, bytes / Math.max(ms, 1) * 1000);
    if (this.#unmeasured > 0) {
      this.#unmeasured--;
      this.#since = this.env.monotonic();
      return;
    }
    this.#parts++;
    this.#bytes += bytes;
    if (this.#parts < ROUND * this.#value) return;
    const seconds = Math.max(this.env.monotonic() - this.#since, 1) / 1000;
    this.#judge(this.#bytes / seconds);
    this.#measureAnew();
  }

  /** A part did not arrive: what is being measured says nothing about the line. */
  failed(): void {
    this.#measureAnew();
  }

  #judge(rate: number): void {
    if (this.#before !== undefined) {
      const isOfUse = rate >= this.#before * WORTHWHILE;
      this.#before = undefined;
      if (!isOfUse) {
        this.#value--;
        this.#resting = this.#nextRest;
        this.#nextRest = Math.min(LONGEST_REST, this.#nextRest * 2);
        return;
      }
      this.#nextRest = REST;
    }
    if (this.#resting > 0) {
      this.#resting--;
    } else if (this.#quickest < ENOUGH && this.#value < MOST) {
      this.#before = rate;
      this.#value++;
    }
  }

  #measureAnew(): void {
    this.#unmeasured = this.#value;
    [this.#parts, this.#bytes, this.#quickest] = [0, 0, 0];
  }
}

const ofContexts = new WeakMap<TransferContext, Map<string, PartConnections>>();

/** What was learned about the line to a store; kept from one upload to the next. @param url a link to the store */
export function partConnections(
  transfer: TransferContext,
  url: string,
  env: Pick<Env, "monotonic">,
): PartConnections {
  let stores = ofContexts.get(transfer);
  if (!stores) ofContexts.set(transfer, stores = new Map());
  // Links to the embedded hub are paths.
  const { host } = new URL(url, "http://embedded");
  let connections = stores.get(host);
  if (!connections) stores.set(host, connections = new PartConnections(env));
  return connections;
}
