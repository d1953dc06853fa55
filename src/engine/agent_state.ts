/** The state of the agent as a whole (behaviour 2.7): what the user wants, then what stands in the way. */
import { reasonOf } from "../catalog/reason.ts";
import type { Env } from "../env.ts";
import type { SyncError } from "../kit/errors.ts";
import type { Breakers } from "./breakers.ts";
import type { AgentState, Reason } from "./views.ts";

/** An outside cause that was not there is looked for again after this long, ms. */
const PROBE_EVERY_MS = 5000;

type Obstacle = "not_logged_in" | "error";

export class AgentStateMachine {
  /** Set by the user; wins over everything (L19). */
  stopped: boolean;
  #obstacles = new Map<Obstacle, { reason: Reason; probeAt: number }>();
  #unreachable: Reason | null = null;
  #shown: AgentState;
  #since: number;

  constructor(
    private readonly env: Pick<Env, "now" | "monotonic">,
    private readonly breakers: Breakers,
    stopped: boolean,
  ) {
    this.stopped = stopped;
    this.#shown = this.state;
    this.#since = env.now();
  }

  get state(): AgentState {
    if (this.stopped) return "stopped";
    if (this.#obstacles.has("error")) return "error";
    if (this.#obstacles.has("not_logged_in")) return "not_logged_in";
    return this.breakers.open ? "no_connection" : "running";
  }

  get reason(): Reason | null {
    const { state } = this;
    if (state === "no_connection") return this.#unreachable;
    return state === "error" || state === "not_logged_in" ? this.#obstacles.get(state)?.reason ?? null : null;
  }

  /** In this state since, ms. */
  get since(): number {
    const state = this.state;
    if (state !== this.#shown) [this.#shown, this.#since] = [state, this.env.now()];
    return this.#since;
  }

  /** An outside cause showed up: no disk, no login, no network. @returns whether it is news */
  hindered(error: SyncError): boolean {
    const reason = reasonOf(error.toData());
    if (error.class === "network") {
      this.#unreachable = reason;
      return this.breakers.failure(error.endpoint);
    }
    const kind: Obstacle = error.class === "auth" ? "not_logged_in" : "error";
    const news = this.#obstacles.get(kind)?.reason.code !== reason.code;
    this.#obstacles.set(kind, { reason, probeAt: this.env.monotonic() + PROBE_EVERY_MS });
    return news;
  }

  /** The cause is gone. */
  cleared(kind: Obstacle): void {
    this.#obstacles.delete(kind);
  }

  /** Causes that should be looked for again now; each is then left alone for a while. */
  dueProbes(): Obstacle[] {
    const now = this.env.monotonic();
    const due = [...this.#obstacles].filter(([, o]) => o.probeAt <= now);
    for (const [, o] of due) o.probeAt = now + PROBE_EVERY_MS;
    return due.map(([kind]) => kind);
  }

  /** Monotonic ms of the next probe of any kind, or null. */
  get nextProbeAt(): number | null {
    const times = [...this.#obstacles.values()].map((o) => o.probeAt);
    if (this.breakers.probeAt !== null) times.push(this.breakers.probeAt);
    return times.length > 0 ? Math.min(...times) : null;
  }
}
