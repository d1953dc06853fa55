/** What the parts of the engine work with, handed in from the composition root. */
import type { Catalog } from "../catalog/catalog.ts";
import type { SourceRow } from "../catalog/sources.ts";
import type { Env } from "../env.ts";
import type { Config } from "../kit/define_backend.ts";
import type { PlatformClient } from "../platform/client.ts";
import type { BackendInfo, ReaderPool, ReaderTasks, SourcePlan } from "../readers/tasks.ts";
import type { TransferContext } from "../transfer/context.ts";
import type { LiveEnd } from "../kit/live.ts";
import type { Home } from "./home.ts";

export type Registry = ReaderTasks["describe"]["output"];

export interface Services {
  env: Env;
  home: Home;
  catalog: Catalog;
  client: PlatformClient;
  /** The platform is the embedded one, which belongs to this agent. */
  ownsPlatform: boolean;
  readers: ReaderPool;
  transfer: TransferContext;
  /** Installed backends and converters; asked once per run. */
  registry(): Promise<Registry>;
  /** Follows what is being measured; absent where nothing does (`once`). */
  live?: LiveLane;
  /** Identifies this machine in local manifests. */
  machineId: string;
  /** Version of the program. */
  version: string;
  log: (line: string) => void;
  /** As `log`, but each line once in the life of the process. */
  logOnce: (line: string) => void;
}

/** How a source of folders or files is looked at. */
export type FolderSourcePlan = Extract<SourcePlan, { kind: "folder" }>;

/** A source whose configuration was checked and resolved by its backend. */
export interface ReadySource {
  row: SourceRow;
  info: BackendInfo;
  /** Checked configuration: defaults filled in, paths absolute. */
  config: Config;
  plan: SourcePlan;
}

/** What the rest of the engine sees of the live desk. */
export interface LiveLane {
  /** Something happened at the source: an item may be {@link offer}ed soon. */
  expect(source: ReadySource): void;
  /**
   * Items that may be measured right now, by id, the most promising last: their backend is asked, and until it has
   * answered, and while it follows them, they are {@link held}.
   */
  offer(source: ReadySource, items: readonly number[]): void;
  /** Items whose normal synchronization has to wait. */
  held(): number[];
  /** How the last live session of an item ended, until its next normal run is over. */
  endOf(item: number): LiveEnd | undefined;
  /** Path of the live file of a dataset. */
  fileOf(dataset: string): string;
}
