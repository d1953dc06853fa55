/** The agent as one object: opens the state folder and holds what commands and loops work with. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Catalog } from "../catalog/catalog.ts";
import { type Env, systemEnv } from "../env.ts";
import { type Hub, openHub } from "../hub/open_hub.ts";
import type { S3StoreOptions } from "../hub/s3/store_options.ts";
import { SyncError } from "../kit/errors.ts";
import { redact } from "../kit/redact.ts";
import { type PlatformClient, platformClient } from "../platform/client.ts";
import { httpTransport } from "../platform/transport_http.ts";
import { inProcessTransport } from "../platform/transport_in_process.ts";
import { createReaderPool } from "../readers/pool.ts";
import type { ReaderPool } from "../readers/tasks.ts";
import { openSecretStore } from "../secrets/sealed_files.ts";
import { bandwidthLimit } from "../transfer/bandwidth.ts";
import { rateAt } from "../transfer/timetable.ts";
import { transferSlots } from "../transfer/slots.ts";
import { VERSION } from "../version.ts";
import { Engine } from "./engine.ts";
import { LiveForwarder } from "../live/live_forwarder.ts";
import { LiveSessions } from "../live/live_sessions.ts";
import { LiveDesk, type LiveDeskOptions } from "./live/live_desk.ts";
import { type Home, openHome } from "./home.ts";
import { installedModules } from "./installed_modules.ts";
import { ItemService } from "./item/item_service.ts";
import { type InstanceLock, takeLock } from "./lock.ts";
import { MappingService } from "./sources/mapping_service.ts";
import { provision } from "./sources/provision.ts";
import { once, type OnceOptions } from "./once.ts";
import type { Registry, Services } from "./services.ts";
import { sealStored } from "./sources/seal_stored.ts";
import type { Serving } from "./serving.ts";
import { readSettings, type Settings } from "./settings.ts";
import { SourceSecrets } from "./sources/source_secrets.ts";
import { SourceService } from "./sources/source_service.ts";
import { unsealingReaders } from "./sources/unsealing_readers.ts";
import type { OnceReport } from "./views.ts";

export interface AgentOptions {
  /** State folder; made when missing. */
  home: string;
  /** Configuration file; default `<home>/config.toml`. */
  configFile?: string;
  env?: Env;
  log?: (line: string) => void;
  /** URLs (`file:///…`) of modules with backends and converters besides the built-in ones. */
  load?: readonly string[];
  /** Times of live sessions, for tests. */
  live?: Partial<LiveDeskOptions>;
  /** Where the embedded platform keeps the bytes of files instead of in the state folder. */
  store?: S3StoreOptions;
}

/** How often it is looked whether sources that had to be left out can be made, ms. */
const PROVISION_MS = 500;

export class Agent {
  private constructor(
    private readonly services: Services,
    readonly settings: Settings,
    readonly sources: SourceService,
    readonly mappings: MappingService,
    readonly items: ItemService,
    private readonly hub: Hub | undefined,
    /** Running measurements that are followed. */
    readonly live: LiveSessions,
    private readonly following: LiveDeskOptions | undefined,
  ) {}

  get home(): Home {
    return this.services.home;
  }
  get catalog(): Catalog {
    return this.services.catalog;
  }
  get client(): PlatformClient {
    return this.services.client;
  }
  get readers(): ReaderPool {
    return this.services.readers;
  }

  /**
   * Opens the state folder with catalog, platform and reader processes.
   * @throws SyncError `config_invalid`, `state_folder_unusable`, `catalog_unusable`, `catalog_newer`
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const env = options.env ?? systemEnv;
    const home = openHome(options.home);
    const settings = readSettings(options.configFile ?? home.configPath, options.configFile !== undefined);
    // A disk that is full of what is logged, or a terminal that is gone, must not end the agent.
    const log = (line: string) => {
      try {
        options.log?.(redact(line));
      } catch {
        // There is nobody to tell.
      }
    };
    const catalog = Catalog.open(home.catalogPath);
    const { store } = options;
    const hub = settings.platform.url === undefined
      ? openHub({ directory: home.hubDir, env, ...(store ? { store } : {}) })
      : undefined;
    const transport = hub
      ? inProcessTransport((r) => hub.fetch(r))
      : httpTransport(settings.platform.url ?? "");
    const secrets = new SourceSecrets(
      openSecretStore(home.secretsDir, { keys: settings.secrets.store }),
      () => env.uuid(),
    );
    const { load = [] } = options;
    const pool = createReaderPool({ max: settings.readers.max, load, log, temp: home.stagingDir });
    const readers = unsealingReaders(pool, secrets);
    // What is loaded besides the program may change without it.
    const registry = load.length > 0
      ? await readers.run("describe", {})
      : await installedModules(catalog, readers);
    const said = new Set<string>();
    const services: Services = {
      env,
      home,
      catalog,
      client: platformClient({ transport, env }),
      ownsPlatform: hub !== undefined,
      readers,
      transfer: {
        journal: catalog.uploads,
        bandwidth: bandwidthLimit(
          env,
          () => rateAt(settings.bandwidth.timetable, settings.bandwidth.limit, env.now()),
        ),
        slots: transferSlots(env),
        partsFrom: settings.transfer.parts_from,
      },
      registry: () => Promise.resolve(registry),
      machineId: catalog.fact("machine_id", env.uuid),
      version: VERSION,
      log,
      logOnce: (line) => {
        if (!said.has(line)) log(line);
        said.add(line);
      },
    };
    const sources = new SourceService(services, registry.backends, secrets);
    await sealStored(services, registry.backends, secrets);
    const live = new LiveSessions({ env, folder: join(home.stagingDir, "live") });
    const following: LiveDeskOptions | undefined = settings.live.enabled
      ? {
        begin: (facts) => live.begin(facts),
        most: settings.live.max_sessions,
        load,
        unsealed: (config) => secrets.open(config),
        ...options.live,
      }
      : undefined;
    return new Agent(
      services,
      settings,
      sources,
      new MappingService(services),
      new ItemService(services),
      hub,
      live,
      following,
    );
  }

  /** Installed backends and converters, and modules that could not be loaded. */
  describe(): Promise<Registry> {
    return this.services.registry();
  }

  /**
   * Syncs until nothing is due. A dry run works on a copy of the catalog and changes nothing.
   * @throws SyncError `agent_running` when another process works on this state folder, and what ends a run early:
   * no connection, not logged in, disk full
   */
  async once(options: OnceOptions = {}): Promise<OnceReport> {
    if (options.dryRun) return await this.#dryRun(options);
    const { lock } = await this.#begin(false);
    try {
      return await once(this.services, options);
    } finally {
      lock.release();
    }
  }

  /**
   * Watches and syncs until closed.
   * @throws SyncError `agent_running` when another process works on this state folder
   */
  async serve(): Promise<Serving> {
    const { lock, missing } = await this.#begin(true);
    const services = { ...this.services };
    const live = this.following && new LiveDesk(services, this.following);
    const engine = new Engine(Object.assign(services, live ? { live } : {}), live ? { live } : {});
    const control = new AbortController();
    const later = missing && this.#provisionLater(engine, missing, control.signal);
    const done = Promise.all([engine.run(control.signal), later]).finally(() => lock.release());
    const { client, env, log } = this.services;
    // The embedded platform is this very process: nobody elsewhere reaches it.
    const forwarder = this.hub ? undefined : new LiveForwarder({
      sessions: this.live,
      uplink: { relay: (...batch) => client.relayLive(...batch) },
      env,
      log,
    });
    return {
      live: this.live,
      status: () => engine.status(),
      activity: () => engine.activity(),
      start: () => engine.start(),
      stop: () => engine.stop(),
      notice: () => engine.notice(),
      async close() {
        control.abort(new Error("the agent ends"));
        await done;
        await forwarder?.close();
      },
    };
  }

  /**
   * Takes the state folder: alone, without what a killed process left, with the sources of the configuration file.
   * @param patient see {@link provision}; `missing` is what it returns
   */
  async #begin(patient: boolean): Promise<{ lock: InstanceLock; missing: SyncError | undefined }> {
    const lock = takeLock(this.home.lockPath);
    try {
      for (const left of readdirSync(this.home.stagingDir)) {
        rmSync(join(this.home.stagingDir, left), { recursive: true, force: true });
      }
      const missing = await provision(this.services, this.sources, this.settings.sources, patient);
      return { lock, missing };
    } catch (e) {
      lock.release();
      throw e;
    }
  }

  async #dryRun(options: OnceOptions): Promise<OnceReport> {
    const folder = await this.services.env.fs.makeTempDir({ dir: this.home.stagingDir, prefix: "dry-run-" });
    const path = join(folder, "catalog.db");
    this.catalog.copyTo(path);
    const catalog = Catalog.open(path);
    try {
      return await once({ ...this.services, catalog }, options);
    } finally {
      catalog.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Makes the sources that had to be left out, once the platform can be asked about them; never rejects. */
  async #provisionLater(engine: Engine, missing: SyncError, signal: AbortSignal): Promise<void> {
    const { services, settings: { sources } } = this;
    try {
      for (let why: SyncError | undefined = missing; why;) {
        engine.hindered(why);
        do await services.env.sleep(PROVISION_MS, signal); while (engine.status().state !== "running");
        why = await provision(services, this.sources, sources, true);
        engine.notice();
      }
    } catch (e) {
      if (signal.aborted) return;
      const error = SyncError.from(e);
      services.log(`a source of the configuration file cannot be made: ${error.code}: ${error.message}`);
      try {
        services.catalog.errors.add(null, error.toData(), services.catalog.iteration, services.env.now());
      } catch (unusable) {
        // The agent goes on, and holds its state folder: a catalog that cannot be written is its own trouble.
        engine.hindered(SyncError.from(unusable));
      }
    }
  }

  /** Ends reader processes and closes files. */
  async close(): Promise<void> {
    await this.readers.close();
    this.live.close();
    this.client.close();
    await this.hub?.close();
    this.catalog.close();
  }
}
