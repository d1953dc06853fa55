/**
 * The serving agent: sources that look by themselves, items that start while there is room, and an agent that goes on
 * by itself when what stood in its way is gone. `once` is the same pipeline without watching (once.ts).
 */
import type { ItemRow } from "../catalog/item_rows.ts";
import { SyncError } from "../kit/errors.ts";
import { isoFromMs } from "../kit/time.ts";
import { abortOrphans } from "../transfer/orphans.ts";
import { Speed } from "./activity.ts";
import { activityView } from "./activity_view.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { ItemOutcome } from "./item/file_run.ts";
import type { LiveDesk } from "./live/live_desk.ts";
import { removeLiveFile } from "./live/live_files.ts";
import { PrepareAhead } from "./prepare_ahead.ts";
import { Recovery } from "./recovery.ts";
import { afterFailure } from "./retry.ts";
import { Scheduler } from "./scheduler.ts";
import { autoassign } from "./sources/scopes.ts";
import type { Services } from "./services.ts";
import { SourceSet } from "./sources/source_set.ts";
import type { ActivityView, AgentStatusView } from "./views.ts";
import { Waking } from "./waking.ts";

export interface EngineOptions {
  /** Follows what is being measured. */
  live?: LiveDesk;
  /** How often changes that other processes made in the catalog are looked for, ms. */
  pollMs?: number;
  /** What runs when the agent is told to end may take this long before it is parked, ms. */
  graceMs?: number;
}

const POLL_MS = 500;
const GRACE_MS = 3000;
/** How often uploads that nobody goes on with are looked for, ms. */
const TIDY_MS = 3_600_000;
/** Pause after a look around that failed, ms. */
const AFTER_FAILURE_MS = 1000;
/** Scopes are refreshed, and a round is counted, at least this often, ms (L20). */
const ROUND_MS = 60_000;

export class Engine {
  readonly #sources: SourceSet;
  readonly #scheduler: Scheduler;
  readonly #ahead: PrepareAhead;
  readonly #recovery: Recovery;
  readonly #clock: ClockWatch;
  readonly #speed: Speed;
  readonly #sourceSpeeds = new Map<number, Speed>();
  readonly #waking: Waking;
  readonly #live: LiveDesk | undefined;
  #iteration: number;
  #roundAt = -Infinity;
  #refreshAt = -Infinity;
  #tidiedAt = -Infinity;
  #foreign = NaN;
  #noticed = true;
  #lastUpdate: number;
  #filesUploaded = 0;
  #recoveredItems = false;
  #hasJumped = false;
  #ending = false;

  constructor(private readonly s: Services, private readonly options: EngineOptions = {}) {
    this.#recovery = new Recovery(s, {
      iteration: () => this.#iteration,
      running: () => this.#scheduler.runningIds,
      onChange: () => this.#wakeUp(),
    });
    this.#waking = new Waking(s.env);
    this.#ahead = new PrepareAhead(s, () => this.#wakeUp());
    this.#clock = new ClockWatch(s.env);
    this.#speed = new Speed(() => s.env.monotonic());
    this.#iteration = s.catalog.iteration;
    this.#lastUpdate = s.env.now();
    this.#sources = new SourceSet(
      s,
      {
        onChange: () => this.#wakeUp(),
        onAgentError: (error) => this.#recovery.hindered(error),
        iteration: () => this.#iteration,
      },
      (source) => {
        this.#scheduler.park(new Error("the source was stopped or changed"), source);
        this.#live?.sourceStopped(source);
      },
    );
    this.#scheduler = new Scheduler(s, {
      ready: () => this.#sources.ready(),
      iteration: () => this.#iteration,
      finished: (item, outcome) => this.#finished(item, outcome),
      broken: (item, error) => this.#broken(item, error),
      sent: (item, bytes) => this.#sent(item, bytes),
    });
    this.#live = options.live;
    this.#live?.attach({
      onChange: () => this.#wakeUp(),
      connected: () => this.#recovery.state.state === "running",
      iteration: () => this.#iteration,
    });
  }

  /** Works until the signal fires; then what runs is finished or parked, and this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let wait = AFTER_FAILURE_MS;
      try {
        this.#turn();
        wait = this.#msToNext();
      } catch (e) {
        this.#recovery.hindered(SyncError.from(e));
        // That it is hindered is no reason to look again at once: it would keep everything else from running.
        this.#waking.forget();
      }
      await this.#waking.sleep(wait, signal).catch(() => {});
    }
    await this.#end();
  }

  status(): AgentStatusView {
    const { s } = this;
    return {
      state: this.#recovery.state.state,
      reason: this.#recovery.state.reason,
      iterations: this.#iteration,
      last_update: isoFromMs(this.#lastUpdate),
      since: isoFromMs(this.#recovery.state.since),
      platform: s.client.baseUrl,
      clock_offset_ms: s.client.clockOffsetMs,
      version: s.version,
    };
  }

  activity(): ActivityView {
    return activityView(this.s, {
      status: this.status(),
      running: this.#scheduler.running,
      speed: this.#speed,
      sourceSpeed: (id) => this.#sourceSpeeds.get(id),
      watching: (id) => this.#sources.watching(id),
      files_uploaded: this.#filesUploaded,
      live: this.#live?.count ?? 0,
    });
  }

  /** @throws SyncError `sync_agent_already_running` */
  start(): AgentStatusView {
    if (!this.#recovery.state.stopped) {
      throw refused("sync_agent_already_running", "the agent is running already");
    }
    this.#recovery.setStopped(false);
    this.notice();
    return this.status();
  }

  /** No discovery and no sync until {@link start}, also after a restart (L19). @throws SyncError `sync_agent_already_stopped` */
  stop(): AgentStatusView {
    if (this.#recovery.state.stopped) {
      throw refused("sync_agent_already_stopped", "the agent is stopped already");
    }
    this.#recovery.setStopped(true);
    this.notice();
    return this.status();
  }

  /** Something that the whole agent needs is not there: no connection, no log-in, no disk space. */
  hindered(error: SyncError): void {
    this.#recovery.hindered(error);
  }

  /** The user changed something in the catalog: look at once. */
  notice(): void {
    this.#noticed = true;
    this.#wakeUp();
  }

  /** One look around: what changed, what may start. Never waits. */
  #turn(): void {
    const { s } = this;
    if (!this.#recoveredItems) {
      // What a killed agent left behind.
      s.catalog.queue.recoverInterrupted(s.env.now(), [], this.#live !== undefined);
      s.catalog.queue.rebaseClock(s.env.now());
      this.#recoveredItems = true;
    }
    if (this.#clock.jumped()) this.#hasJumped = true;
    if (this.#hasJumped) {
      this.#afterJump();
      // A catalog that could not be written to just now is rebased at the next look.
      this.#hasJumped = false;
    }
    const foreign = s.catalog.foreignVersion;
    if (this.#noticed || foreign !== this.#foreign) {
      [this.#noticed, this.#foreign] = [false, foreign];
      this.#sources.reconcile(!this.#recovery.state.stopped);
    }
    if (s.env.monotonic() - this.#roundAt >= ROUND_MS) this.#countRound();
    this.#recovery.probe();
    if (!this.#recovery.state.stopped) this.#live?.attend(this.#sources.ready());
    const { state } = this.#recovery.state;
    if (state === "no_connection") this.#ahead.pump(this.#sources.ready());
    else this.#ahead.stop();
    if (state === "running") {
      this.#refreshScopes();
      this.#giveUpOrphans();
      if (this.#scheduler.pump() > 0) this.#countRound();
    }
    this.#showSourceStates();
  }

  /** How long nothing can become due only because time goes by. */
  #msToNext(): number {
    const { s } = this;
    const now = s.env.now();
    const monotonic = s.env.monotonic();
    const waits = [this.options.pollMs ?? POLL_MS, this.#roundAt + ROUND_MS - monotonic];
    const { nextProbeAt } = this.#recovery.state;
    for (const at of [nextProbeAt, this.#scheduler.nextChangeAt, this.#live?.nextChangeAt ?? null]) {
      if (at !== null) waits.push(at - monotonic);
    }
    if (this.#recovery.state.state === "running") {
      for (const id of this.#sources.ready().keys()) {
        const at = s.catalog.queue.nextDueAt(id, now);
        if (at !== null) waits.push(at - now);
      }
    }
    return Math.max(1, Math.min(...waits));
  }

  #wakeUp(): void {
    this.#waking.wake();
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
    await Promise.all([
      this.#sources.end(),
      this.#live?.close(),
      this.#scheduler.idle(),
      this.#ahead.stop(),
      this.#recovery.idle(),
    ]);
  }

  #countRound(): void {
    this.#roundAt = this.s.env.monotonic();
    this.#lastUpdate = this.s.env.now();
    this.#iteration = this.s.catalog.nextIteration();
  }

  /** The PC slept, or its clock was set (L24): deadlines are looked at anew, nothing is hurried. */
  #afterJump(): void {
    this.s.catalog.queue.rebaseClock(this.s.env.now());
    this.#recovery.hurry();
    this.#sources.rescan();
    this.#refreshAt = -Infinity;
    this.#tidiedAt = -Infinity;
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
    this.#recovery.run(work(), () => {});
  }

  /** Uploads that were begun and are of no further use. */
  #giveUpOrphans(): void {
    if (this.s.env.monotonic() - this.#tidiedAt < TIDY_MS) return;
    this.#tidiedAt = this.s.env.monotonic();
    this.#recovery.run(abortOrphans(this.s.client, this.s.transfer.journal), () => {});
  }

  #finished(item: ItemRow, outcome: ItemOutcome): void {
    if (this.#live) this.#live.ran(item);
    else removeLiveFile(this.s, item.id);
    this.#filesUploaded += outcome.files_uploaded;
    const { error } = outcome;
    if (error && ["network", "auth", "local"].includes(error.class)) {
      this.#recovery.hindered(SyncError.fromData(error));
    } else if (outcome.item.result === "synchronized" || outcome.files_uploaded > 0) {
      this.#recovery.reached(outcome.files_uploaded > 0);
    }
    this.#wakeUp();
  }

  #broken(item: ItemRow, error: SyncError): void {
    if (error.class === "source") this.#sources.failed(item.source_id, error);
    else if (error.class === "local") this.#recovery.hindered(error);
    else this.#noteFailure(item, error);
    this.#wakeUp();
  }

  #noteFailure(item: ItemRow, error: SyncError): void {
    const { catalog, env } = this.s;
    try {
      catalog.transaction(() => {
        catalog.errors.add(item.source_id, error.toData(), this.#iteration, env.now());
        const patch = afterFailure(item, error.toData(), env.now(), env.random());
        catalog.items.update(item.id, patch, env.now());
      });
    } catch (e) {
      // The item stays "running" until the catalog can be written again.
      this.#recovery.hindered(SyncError.from(e));
    }
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
