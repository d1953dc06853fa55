/** The agent as one object: opens the state folder and holds what commands and loops work with. */
import type { Env } from "../env.ts";
import type { PlatformClient } from "../platform/client.ts";
import type { BackendInfo, ReaderPool, ReaderTasks } from "../readers/tasks.ts";
import type {
  ErrorView,
  ItemDetail,
  ItemStatus,
  ItemView,
  OnceProgress,
  OnceReport,
  SourceView,
} from "./views.ts";

export interface AgentOptions {
  /** State folder; made when missing. */
  home: string;
  /** Configuration file; default `<home>/config.toml`. */
  configFile?: string;
  env?: Env;
  log?: (line: string) => void;
}

export interface SourceInput {
  name: string;
  /** Short, long or alias name. */
  backend: string;
  config: Record<string, unknown>;
  /** Name or uuid. */
  scope?: string;
  autoassign?: boolean;
}

export interface ItemFilter {
  source?: string;
  status?: ItemStatus;
  query?: string;
  limit?: number;
  offset?: number;
}

export interface OnceOptions {
  /** Names; default all that are not stopped. */
  sources?: string[];
  /** Discovery rounds; default until nothing is due. */
  iterations?: number;
  timeoutMs?: number;
  dryRun?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: OnceProgress) => void;
}
