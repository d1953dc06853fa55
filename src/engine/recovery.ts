/** Knows what stands in the agent's way, looks until it is gone, and then makes due what waited for it. */
import { AGENT_STOPPED } from "../catalog/catalog.ts";
import { type ErrorClass, SyncError } from "../kit/errors.ts";
import { AgentStateMachine } from "./agent_state.ts";
import { Breakers, PLATFORM } from "./breakers.ts";
import { platformProbe, StateFolderGuard, stateFolderProbe, storeProbe } from "./probes.ts";
import type { Services } from "./services.ts";

export interface RecoveryHooks {
  iteration(): number;
  /** Ids of the items that run now. */
  running(): number[];
  /** Something is different now. */
  onChange(): void;
}

export class Recovery {
  readonly state: AgentStateMachine;
  readonly #breakers: Breakers;
  readonly #folder: StateFolderGuard;
  readonly #jobs = new Set<Promise<void>>();

  constructor(private readonly s: Services, private readonly hooks: RecoveryHooks) {
    this.#breakers = new Breakers(s.env);
    this.#folder = new StateFolderGuard(s);
    this.state = new AgentStateMachine(s.env, this.#breakers, s.catalog.getFact(AGENT_STOPPED) !== undefined);
  }

  /** The user's wish, remembered. */
  setStopped(stopped: boolean): void {
    this.s.catalog.setFact(AGENT_STOPPED, stopped ? "1" : null);
    this.state.stopped = stopped;
  }

  /** Work reached the platform; and the store, if bytes were sent. */
  reached(sent: boolean): void {
    this.#breakers.success(sent);
  }

  /** Ask at once instead of when it was planned. */
  hurry(): void {
    this.#breakers.hurry();
  }

  /** Something outside of all items stands in the way; said once, looked for until it is gone. */
  hindered(error: SyncError): void {
    // Other failures of what runs beside the items are told, but keep nobody from working.
    const isHindrance = ["network", "auth", "local"].includes(error.class);
    if (!isHindrance || this.state.hindered(error)) {
      this.s.log(`${error.code}: ${error.message}`);
      try {
        this.s.catalog.errors.add(null, error.toData(), this.hooks.iteration(), this.s.env.now());
      } catch {
        // The catalog may be what cannot be written.
      }
    }
    this.hooks.onChange();
  }

  /** Starts the looks that are due. @throws SyncError `state_folder_gone` */
  probe(): void {
    this.#folder.check();
    const due = this.state.dueProbes();
    if (due.includes("error")) this.run(stateFolderProbe(this.s), () => this.#gone("error"), () => {});
    const endpoints = this.#breakers.due();
    for (const endpoint of endpoints) {
      if (endpoint === PLATFORM) continue;
      this.run(storeProbe(this.s, endpoint), () => {
        this.#breakers.answered(endpoint);
        this.#release(["network"]);
      });
    }
    if (!endpoints.includes(PLATFORM) && !due.includes("not_logged_in")) return;
    this.run(platformProbe(this.s), () => {
      this.#breakers.answered(PLATFORM);
      this.#gone("not_logged_in");
    });
  }

  /** Runs something beside the items; a failure is a hindrance unless `bad` says otherwise. */
  run(
    work: Promise<unknown>,
    good: () => void,
    bad: (error: SyncError) => void = (error) => this.hindered(error),
  ): void {
    const job = work.then(good).catch((e) => bad(SyncError.from(e))).finally(() => {
      this.#jobs.delete(job);
      this.hooks.onChange();
    });
    this.#jobs.add(job);
  }

  /** Resolves when nothing runs beside the items any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#jobs);
  }

  #gone(kind: "error" | "not_logged_in"): void {
    const { queue } = this.s.catalog;
    const now = this.s.env.now();
    // Verdicts that a full disk kept from being written.
    if (kind === "error") queue.recoverInterrupted(now, this.hooks.running(), this.s.live !== undefined);
    this.#release(kind === "error" ? ["local"] : ["network", "auth"]);
    this.state.cleared(kind);
  }

  #release(classes: ErrorClass[]): void {
    this.s.catalog.queue.releaseDeferred(classes, this.s.env.now());
  }
}
