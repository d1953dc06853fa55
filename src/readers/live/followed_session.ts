/** One running measurement that is followed: when to look, and what silence and failures mean (behaviour 10.5). */
import type { LiveChange, LiveEnd, LiveSession } from "../../kit/live.ts";
import { SyncError } from "../../kit/errors.ts";
import type { LiveRules } from "./protocol.ts";

export interface FollowHooks {
  changes(changes: readonly LiveChange[]): void;
  state(state: "running" | "stalled" | "reading_delayed", reason: string): void;
  parked(parked: boolean): void;
}

export interface FollowClock {
  /** A clock in ms that never jumps back. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
}

/** After a change it is looked at often for so long, ms. */
const ACTIVE_MS = 5000;
/** Between two looks that events ask for, ms, and as a share of the length of the last one. */
const REST_MS = 10;
/** Reading that fails for so long is told, ms. */
const DELAYED_MS = 1000;
/** Failing looks in a row that end the session. */
const FAILURES = 3;
/** First pause after a failed look, ms; twice as long after each further one. */
const AFTER_FAILURE_MS = 200;
/** How much longer than planned a pause may be before it says that the PC slept, ms. */
const OVERSLEPT_MS = 2000;

export class FollowedSession {
  /** When to look next. */
  dueAt: number;
  #plannedAt: number;
  #lookedAt: number;
  /** No look that an event asks for before. */
  #restUntil = 0;
  /** How long nothing has changed, ms; time in which nobody looked does not count. */
  #quiet = 0;
  #failures = 0;
  #delayedSince: number | null = null;
  #state: "running" | "stalled" | "reading_delayed" = "running";
  #parked = false;

  constructor(
    private readonly session: LiveSession,
    private readonly rules: LiveRules,
    private readonly hooks: FollowHooks,
    private readonly clock: FollowClock,
  ) {
    this.dueAt = this.#plannedAt = this.#lookedAt = clock.now();
  }

  /** Something happened at what it watches, or somebody wants to know. */
  wake(): void {
    this.dueAt = Math.min(this.dueAt, Math.max(this.clock.now(), this.#restUntil));
  }

  /** Looks once. @returns the end of the session, if this is it */
  async look(): Promise<LiveEnd | undefined> {
    const started = this.clock.now();
    this.dueAt = Infinity;
    let end: LiveEnd | undefined;
    let pause: number;
    try {
      const look = await this.session.look();
      this.#failures = 0;
      this.#count(started, look.changes.length > 0 || look.alive === true);
      if (look.changes.length > 0) this.hooks.changes(look.changes);
      end = look.end ?? this.#silenceEnds();
      if (!end) this.#tell(look.delayed);
      pause = look.more ? 0 : look.delayed === undefined ? this.#pause : this.#jittered(this.#pause);
    } catch (e) {
      const error = SyncError.from(e);
      this.#count(started, false);
      if (++this.#failures >= FAILURES) {
        return failedEnd(error);
      }
      pause = this.#jittered(AFTER_FAILURE_MS * 2 ** this.#failures);
    }
    const now = this.clock.now();
    this.#lookedAt = now;
    this.#restUntil = now + Math.max(REST_MS, now - started);
    this.#plannedAt = now + pause;
    // A wake-up during the look asks for another one.
    this.dueAt = Math.min(this.#plannedAt, Math.max(this.dueAt, this.#restUntil));
    return end;
  }

  #count(now: number, changed: boolean): void {
    const overdue = this.#plannedAt - this.#lookedAt + OVERSLEPT_MS;
    this.#quiet = changed ? 0 : this.#quiet + Math.min(now - this.#lookedAt, overdue);
    if (changed && this.#parked) {
      this.#parked = false;
      this.hooks.parked(false);
    }
  }

  #silenceEnds(): LiveEnd | undefined {
    const { rules, session } = this;
    if (session.silence === "parks") {
      if (this.#quiet >= rules.parked && !this.#parked) {
        this.#parked = true;
        this.hooks.parked(true);
      }
      return undefined;
    }
    if (this.#quiet < rules.stalled) return undefined;
    return { reason: "inactive", evidence: `nothing changed for ${rules.stalled / 1000} s`, complete: null };
  }

  #tell(delayed: string | undefined): void {
    const now = this.clock.now();
    if (delayed === undefined) this.#delayedSince = null;
    else this.#delayedSince ??= now;
    const isDelayed = this.#delayedSince !== null && now - this.#delayedSince >= DELAYED_MS;
    const isStalled = this.#quiet >= this.rules.stalled;
    const state = isStalled ? "stalled" : isDelayed ? "reading_delayed" : "running";
    if (state === this.#state) return;
    this.#state = state;
    this.hooks.state(state, state === "reading_delayed" ? delayed ?? "" : "");
  }

  /** Until the next look without an event, ms. */
  get #pause(): number {
    if (this.#parked) return this.rules.parkedPoll;
    const { active, quiet } = this.session.poll;
    return this.#quiet < ACTIVE_MS ? active : quiet;
  }

  #jittered(ms: number): number {
    return ms * (0.5 + this.clock.random());
  }
}

export function failedEnd(error: SyncError): LiveEnd {
  return { reason: "failed", evidence: `${error.code}: ${error.message}`, complete: null };
}
