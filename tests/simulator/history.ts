/** One history: a lab at work, an agent that is killed and restarted, a world that fails; then peace, and the account. */
import { Random } from "../faults/prng.ts";
import { SimulatedAgent } from "./agent.ts";
import type { CatalogShelf } from "./catalog.ts";
import { type FaultPlan, NO_FAULTS, RandomFaults } from "./faults.ts";
import { checkInvariant } from "./invariant.ts";
import { Killed } from "./life.ts";
import { Lab } from "./lab.ts";
import { Network } from "./network.ts";
import { SCOPES } from "./platform.ts";
import { BACKEND } from "./readers.ts";
import { World } from "./world.ts";

export interface HistoryResult {
  problems: string[];
  trace: string[];
  operations: number;
  /** How often each fault happened. */
  faults: Record<string, number>;
  /** Virtual time it took, ms. */
  elapsed: number;
}

export interface Script {
  /** What goes wrong while the lab works. */
  faults: FaultPlan;
  /** What happens meanwhile; faults end when it resolves. */
  play(history: History): Promise<void>;
}

/** How events and writers of a history behave. */
export interface Quirks {
  /** Share of events that are lost. */
  eventLoss: number;
  /** Events come up to this late, ms. */
  eventDelay: number;
  /** Share of reads during which somebody writes to the file. */
  writesWhileRead: number;
  /** How long it takes at most until everything is noticed, ms. */
  peace: number;
}

const MARKED = "/lab/marked";
const PLAIN = "/lab/plain";
/** Long enough for a full scan, and for the second look at what is gone, ms. */
const PEACE_MS = 17 * 60_000;
const NO_QUIRKS: Quirks = { eventLoss: 0, eventDelay: 0, writesWhileRead: 0, peace: 3 * 60_000 };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Counted failures are tried again after a day at most. */
const PATIENCE_MS = 3 * DAY;
const SETTLED = ["done", "deleted_locally", "vanished", "quarantined", "unmapped"];

export class History {
  readonly world: World;
  readonly network = new Network();
  readonly lab: Lab;
  agent: SimulatedAgent | undefined;
  #lives = 0;
  #peace = false;
  scope: string = SCOPES[0];

  constructor(
    private readonly seed: number,
    private readonly shelf: CatalogShelf,
    private readonly quirks: Quirks = NO_QUIRKS,
  ) {
    this.world = new World(seed);
    this.lab = new Lab(this.world, { marked: MARKED, plain: PLAIN, onChange: (paths) => this.#tell(paths) });
  }

  async run({ faults, play }: Script): Promise<HistoryResult> {
    const { world } = this;
    const unhandled = (e: PromiseRejectionEvent) => {
      e.preventDefault();
      const reason: unknown = e.reason;
      if (reason instanceof Killed || this.agent?.life.dead) return;
      world.violations.push(`unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`);
    };
    globalThis.addEventListener("unhandledrejection", unhandled);
    try {
      this.shelf.reset();
      const problems: string[] = [];
      const story = this.#story(faults, play).then(async (found) => {
        problems.push(...found);
        await this.agent?.stop();
        this.agent = undefined;
      });
      let over = false;
      story.then(() => over = true, () => over = true);
      await world.clock.until(() => over, 30 * DAY);
      if (!over) problems.push("the history does not end");
      else await story;
      return {
        problems,
        trace: world.trace,
        operations: world.operations,
        faults: Object.fromEntries(world.happened),
        elapsed: world.clock.monotonic(),
      };
    } finally {
      globalThis.removeEventListener("unhandledrejection", unhandled);
    }
  }

  async #story(faults: FaultPlan, play: Script["play"]): Promise<string[]> {
    const { world } = this;
    await this.#install();
    world.faults = faults;
    await play(this);
    world.faults = NO_FAULTS;
    this.#peace = true;
    this.network.downUntil = 0;
    world.note("** peace");
    await this.ensureServing();
    await world.clock.sleep(this.quirks.peace);
    const problems = await this.#account();
    if (problems.length === 0 || this.quirks.peace >= PEACE_MS) return problems;
    // What an event did not lead to is found by the next scan.
    await world.clock.sleep(PEACE_MS - this.quirks.peace);
    return await this.#account();
  }

  /** What is wrong when nothing is left to do. */
  async #account(): Promise<string[]> {
    const { world } = this;
    const problems = await this.#settle();
    if (world.platform.uploads.size > 0) {
      // Uploads that nobody goes on with are given up after a day (U7).
      world.sleepPc(DAY + HOUR);
      await world.clock.sleep(3 * MINUTE);
      problems.push(...await this.#settle());
    }
    const catalog = this.agent?.catalog;
    if (!catalog || this.agent?.ended) {
      return [...problems, ...world.violations, "the agent is gone in times of peace"];
    }
    const report = await this.agent?.verify();
    for (const d of report?.differences ?? []) problems.push(`verify: ${d.problem} ${d.detail}`);
    const sources = catalog.sources.list().map((s) => ({
      id: s.id,
      root: String(s.config.root),
      scope: this.scope,
    }));
    problems.push(...checkInvariant({ world, lab: this.lab, catalog, sources }));
    return problems;
  }

  /** The user installs the agent and adds two sources. */
  async #install(): Promise<void> {
    await this.startAgent();
    const { catalog } = this.agent!;
    const add = (name: string, root: string, level: number) =>
      catalog.sources.add({
        name,
        backend: BACKEND,
        config: { root, level, server: this.seed % 5 === 0 },
        default_scope: this.scope,
        autoassign: false,
        owner: "ada",
      }, this.world.clock.now());
    add("marked", MARKED, -1);
    add("plain", PLAIN, 1);
    await this.agent?.stop();
    this.agent = undefined;
  }

  /** Lets the agent work until nothing is left to do; the user resets what was quarantined. */
  async #settle(): Promise<string[]> {
    const { clock } = this.world;
    const until = clock.monotonic() + PATIENCE_MS;
    let resets = 0;
    for (;;) {
      const agent = this.agent;
      if (!agent || agent.ended) return [];
      const { catalog } = agent;
      const items = catalog.sources.list().flatMap((s) =>
        catalog.items.list({ source_id: s.id, limit: 10_000, offset: 0 })
      );
      const open = items.filter((i) => !SETTLED.includes(i.state));
      const quarantined = items.filter((i) => i.state === "quarantined");
      if (open.length === 0 && (quarantined.length === 0 || resets >= 2)) return [];
      if (open.length === 0) {
        resets++;
        for (const i of quarantined) this.world.note(`   the user resets ${i.identifier}: ${i.reason?.code}`);
        this.shelf.command((c) => {
          for (const s of c.sources.list()) c.queue.resetSource(s.id, false, clock.now());
        });
      }
      if (clock.monotonic() > until) {
        return open.map((i) => `${i.identifier} stays ${i.state}: ${i.reason?.code}`);
      }
      await clock.sleep(MINUTE);
    }
  }

  async startAgent(): Promise<void> {
    const place = {
      world: this.world,
      shelf: this.shelf,
      network: this.network,
      readBefore: (path: string) => {
        if (!this.#peace && this.world.random.next() < this.quirks.writesWhileRead) {
          this.lab.writeWhileRead(path);
        }
      },
    };
    const agent = SimulatedAgent.start(place, this.seed * 1000 + ++this.#lives);
    this.agent = agent;
    // The disk of a PC that lost its power keeps what was synced.
    agent?.life.died.promise.then(() => agent.life.powerCut && this.#tear());
    await Promise.resolve();
  }

  /** The user sends both sources to another scope. */
  changeScope(): void {
    const { world } = this;
    const scope = this.scope === SCOPES[0] ? SCOPES[1] : SCOPES[0];
    const now = world.clock.now();
    this.shelf.command((catalog) => {
      for (const { id } of catalog.sources.list()) {
        catalog.transaction(() => {
          catalog.sources.update(id, { default_scope: scope }, now);
          catalog.queue.requeueForScope(id, null, true, now);
        });
      }
    });
    this.scope = scope;
    world.note(`** the sources go to scope ${scope.slice(0, 4)}`);
  }

  /** Serves, whatever happened before. */
  async ensureServing(): Promise<void> {
    if (this.agent && !this.agent.isServing) await this.agent.gone();
    while (!this.agent || this.agent.ended || this.agent.life.dead) {
      await this.startAgent();
      this.agent?.serve();
      if (!this.agent) await this.world.clock.sleep(1000);
    }
  }

  /** Files of the agent that were not synced are torn: cut short, or zeros at their end. */
  #tear(): void {
    const { disk, random } = this.world;
    const torn = [
      ...disk.files("/agent"),
      ...[...disk.files("/lab")].filter((p) => p.includes("/.QH_manifest")),
    ];
    for (const path of torn) {
      const file = disk.file(path);
      if (file.synced >= file.bytes.length || random.next() < 0.3) continue;
      const size = file.synced + random.below(file.bytes.length - file.synced + 1);
      if (random.next() < 0.5) file.bytes = file.bytes.slice(0, size);
      else file.bytes.fill(0, size);
    }
  }

  /** File-system events: late, doubled, lost. */
  #tell(paths: string[]): void {
    const { random, clock } = this.world;
    for (const events of this.agent?.life.env.watches.values() ?? []) {
      if (random.next() < this.quirks.eventLoss) {
        if (random.next() < 0.2) events.onLost("the system dropped events");
        continue;
      }
      const deliver = () => events.onPaths(paths);
      if (this.quirks.eventDelay === 0) deliver();
      else clock.sleep(random.below(this.quirks.eventDelay)).then(deliver);
      if (random.next() < 0.1) clock.sleep(random.below(3000)).then(deliver);
    }
  }
}

/** A history in which everything is left to the seed. */
export async function randomHistory(seed: number, shelf: CatalogShelf): Promise<HistoryResult> {
  const random = new Random(seed * 7919);
  const history = new History(seed, shelf, {
    eventLoss: random.pick([0, 0, 0.1, 1]),
    eventDelay: random.pick([0, 20, 2000]),
    writesWhileRead: random.pick([0, 0, 0.01, 0.1]),
    // A later scan changes nothing any more: seen in some histories, which takes a while.
    peace: seed % 4 === 0 ? PEACE_MS : NO_QUIRKS.peace,
  });
  return await history.run({ faults: new RandomFaults(history.world.random), play: playAtRandom });
}

async function playAtRandom(history: History): Promise<void> {
  const { world, lab } = history;
  const { random, clock } = world;
  for (let n = random.below(4); n > 0; n--) await lab.measure();
  const end = clock.monotonic() + 20_000 + random.below(180_000);
  const users = userActions(history, end);
  const labs = (async () => {
    for (let acts = 3 + random.below(15); acts > 0 && clock.monotonic() < end; acts--) {
      await lab.act();
      await clock.sleep(random.next() < 0.3 ? 0 : random.below(20_000));
    }
  })();
  while (clock.monotonic() < end) {
    await history.startAgent();
    const { agent } = history;
    if (agent) {
      if (random.next() < 0.15) agent.once();
      else agent.serve();
      const patience = random.next() < 0.15 ? random.below(60_000) : Math.max(0, end - clock.monotonic());
      await Promise.race([agent.gone(), clock.sleep(patience)]);
      if (!agent.ended && !agent.life.dead && clock.monotonic() < end) await agent.stop();
    }
    if (clock.monotonic() < end) await clock.sleep(random.below(15_000));
  }
  await Promise.all([users, labs]);
}

/** What users and the world around do: networks go and come back, clocks are set, sources get another scope. */
async function userActions(history: History, end: number): Promise<void> {
  const { world, network } = history;
  const { random, clock } = world;
  while (clock.monotonic() < end) {
    await clock.sleep(5000 + random.below(60_000));
    if (clock.monotonic() >= end) return;
    const chance = random.next();
    if (chance < 0.15) {
      network.downUntil = clock.monotonic() + random.below(60_000);
      world.note("** the platform cannot be reached");
    } else if (chance < 0.25) {
      const ms = random.pick([-1, 1]) * random.pick([HOUR, 10 * 365 * 24 * HOUR]);
      clock.jump(ms);
      world.note(`** the PC's clock is set by ${ms / HOUR} h`);
    } else if (chance < 0.35) history.changeScope();
    else if (chance < 0.4) world.sleepPc(random.below(30) * HOUR);
  }
}
