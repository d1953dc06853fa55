/** What may go wrong at an operation, and who decides that it does. */
import type { Random } from "../faults/prng.ts";
import type { SystemErrorCode } from "./system_errors.ts";

/** Something the agent does to the world around it. */
export interface Operation {
  kind: "read" | "write" | "catalog" | "committed" | "request" | "replied" | "reader";
  what: string;
}

export type NetworkFault =
  /** No connection, or it breaks before the request arrives. */
  | "cut"
  /** The request takes effect, its reply is lost. */
  | "reply_lost"
  /** The connection breaks, and the request takes effect later. */
  | "late"
  | "internal_error"
  /** A server error after the effect. */
  | "error_after"
  | "unavailable"
  | "too_many"
  | "portal"
  | "ok_with_error"
  | "slow"
  /** Another state of the bytes arrives than was sent. */
  | "corrupt"
  | "link_expired";

export type Fault =
  | "kill"
  | "power_cut"
  | Extract<SystemErrorCode, "EIO" | "EACCES" | "EMFILE" | "ENOSPC">
  | "reader_crash"
  | NetworkFault;

export interface FaultPlan {
  /** @param n number of the operation in this history, from 1 */
  at(operation: Operation, n: number): Fault | undefined;
}

export const NO_FAULTS: FaultPlan = { at: () => undefined };

const POSSIBLE: Record<Operation["kind"], readonly Fault[]> = {
  read: ["kill", "power_cut", "EIO", "EACCES", "EMFILE"],
  write: ["kill", "power_cut", "EIO", "EACCES", "EMFILE", "ENOSPC"],
  catalog: ["kill", "power_cut", "ENOSPC", "EIO"],
  committed: ["kill", "power_cut"],
  request: [
    "kill",
    "power_cut",
    "cut",
    "reply_lost",
    "late",
    "internal_error",
    "error_after",
    "unavailable",
    "too_many",
    "portal",
    "ok_with_error",
    "slow",
    "corrupt",
    "link_expired",
  ],
  replied: ["kill", "power_cut"],
  reader: ["reader_crash"],
};

/** Whether this fault can happen to this kind of operation. */
export function isPossible(fault: Fault, { kind }: Operation): boolean {
  return POSSIBLE[kind].includes(fault);
}

/** Kinds of faults with their probabilities, all drawn from one seed. */
export class RandomFaults implements FaultPlan {
  readonly #rates = new Map<Fault, number>();

  constructor(private readonly random: Random) {
    // Each history has a few kinds of faults, some of them often: all at once would hide each other.
    const all = [...new Set(Object.values(POSSIBLE).flat())];
    for (const fault of all) {
      if (random.next() < 0.25) this.#rates.set(fault, 10 ** -(1 + 2 * random.next()) * (WEIGHT[fault] ?? 1));
    }
  }

  at(operation: Operation): Fault | undefined {
    for (const fault of POSSIBLE[operation.kind]) {
      const rate = this.#rates.get(fault);
      if (rate !== undefined && this.random.next() < rate) return fault;
    }
    return undefined;
  }
}

/** There are many more operations of disk and catalog than requests. */
const WEIGHT: Partial<Record<Fault, number>> = {
  kill: 0.1,
  power_cut: 0.1,
  EIO: 0.2,
  EACCES: 0.05,
  EMFILE: 0.2,
  ENOSPC: 0.2,
};

/** One fault at the nth operation that it can happen to. */
export class OneFault implements FaultPlan {
  #count = 0;
  happened = false;

  constructor(private readonly fault: Fault, private readonly nth: number) {}

  at(operation: Operation): Fault | undefined {
    if (!isPossible(this.fault, operation) || ++this.#count !== this.nth) return undefined;
    this.happened = true;
    return this.fault;
  }
}
