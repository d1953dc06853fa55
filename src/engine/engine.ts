/**
 * The serving agent: sources that look by themselves, items that start while there is room, and an agent that goes on
 * by itself when what stood in its way is gone. `once` is the same pipeline without watching (once.ts).
 */
import type { ItemRow } from "../catalog/item_rows.ts";
import { SyncError } from "../kit/errors.ts";
import { isoFromMs } from "../kit/time.ts";
import { Speed } from "./activity.ts";
import { AgentStateMachine } from "./agent_state.ts";
import { Breaker } from "./breaker.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { ItemOutcome } from "./file_run.ts";
import { platformProbe, stateFolderProbe } from "./probes.ts";
import { afterFailure } from "./retry.ts";
import { Scheduler } from "./scheduler.ts";
import { autoassign } from "./scopes.ts";
import type { Services } from "./services.ts";
import { SourceSet } from "./source_set.ts";
import type { ActivityView, AgentStatusView } from "./views.ts";

export interface EngineOptions {
  /** How often changes that other processes made in the catalog are looked for, ms. */
  pollMs?: number;
  /** What runs when the agent is told to end may take this long before it is parked, ms. */
  graceMs?: number;
}

const POLL_MS = 500;
const GRACE_MS = 3000;
/** Scopes are refreshed, and a round is counted, at least this often, ms (L20). */
const ROUND_MS = 60_000;
/** The catalog remembers under this key that the user stopped the agent. */
const STOPPED = "agent_stopped";

export class Engine {
  readonly #sources: SourceSet;
  readonly #scheduler: Scheduler;
  readonly #breaker: Breaker;
  readonly #state: AgentStateMachine;
  readonly #clock: ClockWatch;
  readonly #speed: Speed;
  readonly #sourceSpeeds = new Map<number, Speed>();
  readonly #jobs = new Set<Promise<void>>();
  #wake = Promise.withResolvers<void>();
  #iteration: number;
  #roundAt = -Infinity;
  #refreshAt = -Infinity;
  #foreign = NaN;
  #noticed = true;
  #lastUpdate: number;
  #filesUploaded = 0;
  #ending = false;

  constructor(private readonly s: Services, private readonly options: EngineOptions = {}) {
    this.#breaker = new Breaker(s.env);
    this.#state = new AgentStateMachine(s.env, this.#breaker, s.catalog.getFact(STOPPED) !== undefined);
    this.#clock = new ClockWatch(s.env);
    this.#speed = new Speed(() => s.env.monotonic());
    this.#iteration = s.catalog.iteration;
    this.#lastUpdate = s.env.now();
    this.#sources = new SourceSet(
      s,
      {
        onChange: () => this.#wakeUp(),
        onAgentError: (error) => this.#hindered(error),
        iteration: () => this.#iteration,
      },
      (source) => this.#scheduler.park(new Error("the source was stopped or changed"), source),
    );
    this.#scheduler = new Scheduler(s, {
      ready: () => this.#sources.ready(),
      iteration: () => this.#iteration,
      finished: (_item, outcome) => this.#finished(outcome),
      broken: (item, error) => this.#broken(item, error),
      sent: (item, bytes) => this.#sent(item, bytes),
    });
  }

  /** Works until the signal fires; then what runs is finished or parked, and this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const end = () => this.#wakeUp();
    signal.addEventListener("abort", end, { once: true });
    const now = this.s.env.now();
    this.s.catalog.queue.recoverInterrupted(now);
    this.s.catalog.queue.rebaseClock(now);
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        this.#turn();
      } catch (e) {
        this.#hindered(SyncError.from(e));
      }
      await this.#sleep();
    }
    signal.removeEventListener("abort", end);
    await this.#end();
  }

  status(): AgentStatusView {
    const { s } = this;
    return {
      state: this.#state.state,
      reason: this.#state.reason,
      iterations: this.#iteration,
      last_update: isoFromMs(this.#lastUpdate),
      since: isoFromMs(this.#state.since),
      platform: s.client.baseUrl,
      clock_offset_ms: s.client.clockOffsetMs,
      version: s.version,
    };
  }

  activity(): ActivityView {
    const { catalog, env } = this.s;
    const now = env.now();
    return {
      status: this.status(),
      sources: catalog.sources.list().map((row) => {
        const { total, synchronized, failed } = catalog.sources.counters(row.id);
        const { due, settling } = catalog.queue.pending(row.id, now);
        const speed = this.#sourceSpeeds.get(row.id);
        return {
          id: row.id,
          name: row.name,
          status: row.state,
          due,
          settling,
          items_total: total,
          items_synchronized: synchronized,
          items_failed: failed,
          speed: speed?.perSecond ?? 0,
          bytes_uploaded: speed?.total ?? 0,
          reason: row.reason,
          watching: this.#sources.watching(row.id),
        };
      }),
      running: this.#scheduler.running.map((r) => r.view()),
      speed: this.#speed.perSecond,
      bytes_uploaded: this.#speed.total,
      files_uploaded: this.#filesUploaded,
      unread_errors: catalog.errors.list(undefined, { viewed: false, limit: 1000 }).length,
    };
  }

  /** @throws SyncError `sync_agent_already_running` */
  start(): AgentStatusView {
    if (!this.#state.stopped) throw refused("sync_agent_already_running", "the agent is running already");
    this.s.catalog.setFact(STOPPED, null);
    this.#state.stopped = false;
    this.notice();
    return this.status();
  }

  /** No discovery and no sync until {@link start}, also after a restart (L19). @throws SyncError `sync_agent_already_stopped` */
  stop(): AgentStatusView {
    if (this.#state.stopped) throw refused("sync_agent_already_stopped", "the agent is stopped already");
    this.s.catalog.setFact(STOPPED, "1");
    this.#state.stopped = true;
    this.notice();
    return this.status();
  }

  /** The user changed something in the catalog: look at once. */
  notice(): void {
    this.#noticed = true;
    this.#wakeUp();
  }

  /** One look around: what changed, what may start. Never waits. */
  #turn(): void {
    const { s } = this;
    if (this.#clock.jumped()) this.#afterJump();
    const foreign = s.catalog.foreignVersion;
    if (this.#noticed || foreign !== this.#foreign) {
      [this.#noticed, this.#foreign] = [false, foreign];
      this.#sources.reconcile(!this.#state.stopped);
    }
    if (s.env.monotonic() - this.#roundAt >= ROUND_MS) this.#countRound();
    this.#probe();
    if (this.#state.state === "running") {
      this.#refreshScopes();
      if (this.#scheduler.pump() > 0) this.#countRound();
    }
    this.#showSourceStates();
  }

  /** Sleeps until something happens or becomes due. */
  async #sleep(): Promise<void> {
    const { s } = this;
    const now = s.env.now();
    const mono = s.env.monotonic();
    const waits = [this.options.pollMs ?? POLL_MS, this.#roundAt + ROUND_MS - mono];
    for (const at of [this.#state.nextProbeAt, this.#scheduler.nextChangeAt]) {
      if (at !== null) waits.push(at - mono);
    }
    if (this.#state.state === "running") {
      for (const id of this.#sources.ready().keys()) {
        const at = s.catalog.queue.nextDueAt(id, now);
        if (at !== null) waits.push(at - now);
      }
    }
    const timer = new AbortController();
    await Promise.race([
      this.#wake.promise,
      s.env.sleep(Math.max(1, Math.min(...waits)), timer.signal).catch(() => {}),
    ]);
    timer.abort();
  }

  #wakeUp(): void {
    this.#wake.resolve();
  }

  async #end(): Promise<void> {
    this.#ending = true;
    const ended = new Error("the agent ends");
    const grace = new AbortController();
    await Promise.race([
      this.#scheduler.idle(),
      this.s.env.sleep(this.options.graceMs ?? GRACE_MS, grace.signal).catch(() => {}),
    ]);
    grace.abort();
    this.#scheduler.park(ended);
    await Promise.all([this.#sources.end(), this.#scheduler.idle(), ...this.#jobs]);
  }

  #countRound(): void {
    this.#roundAt = this.s.env.monotonic();
    this.#lastUpdate = this.s.env.now();
    this.#iteration = this.s.catalog.nextIteration();
  }

  /** The PC slept, or its clock was set (L24): deadlines are looked at anew, nothing is hurried. */
  #afterJump(): void {
    this.s.catalog.queue.rebaseClock(this.s.env.now());
    this.#breaker.hurry();
    this.#sources.rescan();
    this.#refreshAt = -Infinity;
  }

  #probe(): void {
    const due = this.#state.dueProbes();
    if (due.includes("error")) {
      this.#job(stateFolderProbe(this.s), () => this.#recovered("error"), () => {});
    }
    const probeAt = this.#breaker.probeAt;
    const platform = probeAt !== null && probeAt <= this.s.env.monotonic();
    if (platform || due.includes("not_logged_in")) {
      // The next probe is planned when this one has its answer.
      if (platform) this.#breaker.probed(false);
      this.#job(platformProbe(this.s), () => {
        this.#breaker.probed(true);
        this.#recovered("not_logged_in");
      }, (error) => this.#hindered(error));
    }
  }

  #recovered(kind: "error" | "not_logged_in"): void {
    const { queue } = this.s.catalog;
    const now = this.s.env.now();
    // Verdicts that a full disk kept from being written.
    if (kind === "error" && this.#scheduler.busy.size === 0) queue.recoverInterrupted(now);
    queue.releaseDeferred(kind === "error" ? ["local"] : ["network", "auth"], now);
    this.#state.cleared(kind);
    this.#wakeUp();
  }

  /** Scopes appear and get names: identifiers that wait for one are looked at again. */
  #refreshScopes(): void {
    if (this.s.env.monotonic() - this.#refreshAt < ROUND_MS) return;
    this.#refreshAt = this.s.env.monotonic();
    const waiting = [...this.#sources.ready().values()].filter((r) => r.row.autoassign);
    if (waiting.length === 0) return;
    const work = async () => {
      for (const { row } of waiting) await autoassign(this.s, row);
    };
    this.#job(work(), () => this.#wakeUp(), (error) => this.#hindered(error));
  }

  #job(work: Promise<unknown>, good: () => void, bad: (error: SyncError) => void): void {
    const job = work.then(good).catch((e) => bad(SyncError.from(e))).finally(() => {
      this.#jobs.delete(job);
      this.#wakeUp();
    });
    this.#jobs.add(job);
  }

  #finished(outcome: ItemOutcome): void {
    this.#filesUploaded += outcome.files_uploaded;
    const { error } = outcome;
    if (error && ["network", "auth", "local"].includes(error.class)) {
      this.#hindered(SyncError.fromData(error));
    } else if (outcome.item.result === "synchronized" || outcome.files_uploaded > 0) this.#breaker.success();
    this.#wakeUp();
  }

  #broken(item: ItemRow, error: SyncError): void {
    if (error.class === "source") this.#sources.failed(item.source_id, error);
    else if (error.class === "local") this.#hindered(error);
    else {
      const { catalog, env } = this.s;
      catalog.errors.add(item.source_id, error.toData(), this.#iteration, env.now());
      catalog.items.update(item.id, afterFailure(item, error.toData(), env.now(), env.random()), env.now());
    }
    this.#wakeUp();
  }

  /** Something outside of all items stands in the way; said once, looked for until it is gone. */
  #hindered(error: SyncError): void {
    if (this.#state.hindered(error)) {
      this.s.log(`${error.code}: ${error.message}`);
      try {
        this.s.catalog.errors.add(null, error.toData(), this.#iteration, this.s.env.now());
      } catch {
        // The catalog may be what cannot be written.
      }
    }
    this.#wakeUp();
  }

  #sent(item: ItemRow, bytes: number): void {
    this.#speed.add(bytes);
    let speed = this.#sourceSpeeds.get(item.source_id);
    if (!speed) this.#sourceSpeeds.set(item.source_id, speed = new Speed(() => this.s.env.monotonic()));
    speed.add(bytes);
  }

  #showSourceStates(): void {
    if (this.#ending) return;
    const { catalog, env } = this.s;
    const busy = this.#scheduler.busy;
    for (const id of this.#sources.ready().keys()) {
      const working = busy.has(id) || catalog.queue.hasWork(id, env.now());
      catalog.sources.setState(id, working ? "syncing" : "scanning", null, env.now());
    }
  }
}

function refused(code: string, message: string): SyncError {
  return new SyncError("usage", code, message);
}
