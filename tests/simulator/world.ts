/** What outlives the agent: time, disk, platform; and the account of what happened. */
import { Random } from "../faults/prng.ts";
import { START } from "./fake_env.ts";
import { type Fault, type FaultPlan, NO_FAULTS, type Operation } from "./faults.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { Platform } from "./platform.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** Of uploads in parts, bytes. */
export const PART_SIZE = 1000;

export class World {
  readonly random: Random;
  readonly clock = new VirtualClock(START);
  readonly disk = new MemoryDisk(() => this.clock.now());
  /** The platform's clock is right whatever the PC's says. */
  readonly platform = new Platform(() => this.platformNow(), PART_SIZE);
  /** What happened, for the one who has to find out why. */
  readonly trace: string[] = [];
  /** What must not happen. */
  readonly violations: string[] = [];
  faults: FaultPlan = NO_FAULTS;
  /** How often each fault happened. */
  readonly happened = new Map<Fault, number>();
  #operations = 0;
  #slept = 0;

  constructor(readonly seed: number) {
    this.random = new Random(seed);
  }

  get operations(): number {
    return this.#operations;
  }

  platformNow(): number {
    return START + this.clock.monotonic() + this.#slept;
  }

  /** The PC sleeps: afterwards its clock that never jumps knows nothing of that time. */
  sleepPc(ms: number): void {
    this.note(`** the PC slept for ${ms / 3_600_000} h`);
    this.clock.jump(ms);
    this.#slept += ms;
  }

  note(text: string): void {
    this.trace.push(`${(this.clock.monotonic() / 1000).toFixed(3)} ${text}`);
  }

  /** Counts an operation and asks whether it fails. */
  operation(operation: Operation): Fault | undefined {
    const fault = this.faults.at(operation, ++this.#operations);
    if (fault) this.happened.set(fault, (this.happened.get(fault) ?? 0) + 1);
    this.note(`${this.#operations} ${operation.kind} ${operation.what}${fault ? ` !! ${fault}` : ""}`);
    return fault;
  }
}
