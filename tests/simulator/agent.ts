/** The production engine in one life: real catalog, client, transfer and scheduler on a simulated world. */
import type { Catalog } from "../../src/catalog/catalog.ts";
import { Engine } from "../../src/engine/engine.ts";
import { once } from "../../src/engine/once.ts";
import type { Services } from "../../src/engine/services.ts";
import { verify, type VerifyReport } from "../../src/engine/inquiry/verify.ts";
import { platformClient } from "../../src/platform/client.ts";
import { memoryTransfer } from "../../src/transfer/memory_transfer.ts";
import { transferSlots } from "../../src/transfer/slots.ts";
import type { CatalogShelf } from "./catalog.ts";
import { Killed, Life } from "./life.ts";
import type { Network } from "./network.ts";
import { REGISTRY, simulatedReaders } from "./readers.ts";
import { PART_SIZE, type World } from "./world.ts";

const HOME = "/agent";
const STAGING = `${HOME}/staging`;
/** Users' commands are noticed this late, ms: seldom, so that a history has few turns. */
const POLL_MS = 60_000;
/** From this size on files are read in place and sent in parts, bytes. */
const PARTS_FROM = 2 * PART_SIZE;

export interface AgentPlace {
  world: World;
  shelf: CatalogShelf;
  network: Network;
  readBefore(path: string): void;
}

export class SimulatedAgent {
  readonly #control = new AbortController();
  #working: Promise<unknown> = Promise.resolve();
  ended = false;
  /** It goes on until it is asked to end. */
  isServing = false;

  private constructor(
    private readonly place: AgentPlace,
    readonly life: Life,
    private readonly services: Services,
  ) {}

  get catalog(): Catalog {
    return this.services.catalog;
  }

  /** Starts as the program does. @returns undefined when it dies of that */
  static start(place: AgentPlace, seed: number): SimulatedAgent | undefined {
    const { world, shelf, network } = place;
    const life = new Life(world, seed, place.readBefore);
    world.note("** the agent starts");
    try {
      const { env } = life;
      const catalog = shelf.open(life);
      env.fs.mkdirSync(STAGING, { recursive: true });
      for (const { name } of env.fs.readDirSync(STAGING)) {
        env.fs.removeSync(`${STAGING}/${name}`, { recursive: true });
      }
      const machineId = catalog.fact("machine_id", () => env.uuid());
      return new SimulatedAgent(place, life, {
        env,
        home: {
          root: HOME,
          catalogPath: "",
          configPath: "",
          lockPath: "",
          stagingDir: STAGING,
          hubDir: "",
          secretsDir: "",
          pluginsDir: "",
          logsDir: "",
          liveDir: "",
        },
        catalog,
        client: platformClient({ transport: network.transport(life), env }),
        readers: simulatedReaders(life),
        transfer: {
          ...memoryTransfer(),
          journal: catalog.uploads,
          slots: transferSlots(env),
          partsFrom: PARTS_FROM,
          copyLimit: PARTS_FROM,
        },
        registry: () => Promise.resolve(REGISTRY),
        machineId,
        ownsPlatform: false,
        version: "simulated",
        log: (line) => world.note(`   log: ${line}`),
        logOnce: (line) => world.note(`   log: ${line}`),
      });
    } catch (e) {
      world.note(`   the agent does not start: ${e}`);
      shelf.leave(life);
      if (!life.dead && !(e instanceof Error)) throw e;
      return undefined;
    }
  }

  /** Begins to serve. */
  serve(): void {
    this.isServing = true;
    const serve = async () => await new Engine(this.services, { pollMs: POLL_MS }).run(this.#control.signal);
    this.#work(serve());
  }

  /** One run of `once`. */
  once(): void {
    this.#work(
      once(this.services, { signal: this.#control.signal }).catch((e) => {
        // What a run ends with is for the user to read.
        if (!(e instanceof Killed)) this.place.world.note(`   once ends with ${e}`);
      }),
    );
  }

  /** Resolves when it died or ended. */
  async gone(): Promise<void> {
    await Promise.race([this.life.died.promise, this.#working]);
    this.place.shelf.leave(this.life);
  }

  /** Asks it to end; it may die instead. */
  async stop(): Promise<void> {
    this.place.world.note("** the agent is asked to end");
    this.#control.abort(new Error("the agent is asked to end"));
    await this.gone();
  }

  verify(): Promise<VerifyReport> {
    return verify(this.services);
  }

  #work(work: Promise<unknown>): void {
    this.#working = work.catch((e) => {
      if (!this.life.dead) {
        this.place.world.violations.push(`the engine throws: ${e instanceof Error ? e.stack : e}`);
      }
    }).finally(() => this.ended = true);
  }
}
