/** What a reader process can be asked to do, and what it answers. One entry per kind of task. */
import type {
  Config,
  DiscoveryPage,
  Field,
  ReadContext,
  ReadItem,
  ScopePolicy,
  WriteBack,
  WriteBackResult,
} from "../kit/define_backend.ts";
import type { ConverterInfo } from "../kit/define_converter.ts";
import type { DraftLog, FileType, ReadResult } from "../kit/drafts.ts";
import type { ErrorData } from "../kit/errors.ts";

/** The data of a backend definition, without its code. */
export interface BackendInfo {
  identifier: string;
  display_name: string;
  aliases: string[];
  version: string;
  kind: "folder" | "database";
  scope_policy: ScopePolicy;
  supports_scope_mapping: boolean;
  has_owner: boolean;
  live: boolean;
  fields: Field[];
  /** Where the code is: "built-in" or a path. */
  origin: string;
}

/** How discovery has to look at a source, resolved by its backend from the configuration. */
export type SourcePlan =
  | {
    kind: "folder";
    root: string;
    level: number;
    single_file: boolean;
    server_folder: boolean;
    /** Source of a regular expression on the relative path, or null. */
    name_pattern: string | null;
    scope_from_path: boolean;
  }
  | {
    kind: "database";
    watch_paths: string[];
    /** Which database it is, where no file says that. */
    address?: string | undefined;
  };

export interface Inspection {
  type: FileType;
  logs: DraftLog[];
  /** Content md5 (docs/ARCHITECTURE.md, F11), only for HDF5_NETCDF. */
  content_md5: string | null;
  /** SHA-256 over all groups and scalars (F13), only for HDF5_NETCDF. */
  deep_sha256: string | null;
}

export interface InstalledConverter extends ConverterInfo {
  folder: boolean;
  /** As {@link BackendInfo.origin}. */
  origin: string;
}

/** A module of backends or converters that could not be loaded. */
export interface BrokenModule {
  origin: string;
  error: ErrorData;
}

export interface ReaderTasks {
  describe: {
    input: Record<string, never>;
    output: { backends: BackendInfo[]; converters: InstalledConverter[]; broken: BrokenModule[] };
  };
  /**
   * Checks a raw configuration. `problems` non-empty: it is not usable, and `plan` and `config` (the checked
   * configuration, to be stored and given to the other tasks) are null. With `unvalidated` the backend is not asked
   * whether it is usable now: where it leads does not depend on that.
   */
  resolve: {
    input: { backend: string; config: Config; unvalidated?: boolean | undefined };
    output: { problems: string[]; plan: SourcePlan | null; config: Config | null };
  };
  discover: { input: { backend: string; config: Config; since: unknown }; output: DiscoveryPage };
  read: {
    input: { backend: string; config: Config; item: ReadItem; context: ReadContext };
    output: ReadResult;
  };
  write_back: {
    input: { backend: string; config: Config; item: ReadItem; outcome: WriteBack };
    output: WriteBackResult;
  };
  /** Asks a replica for a dataset. */
  find_dataset: {
    input: { backend: string; config: Config; alt_uid: string; scope: string };
    output: { uuid: string | null };
  };
  convert: {
    input: {
      converter: string;
      input: string;
      output_dir: string;
      output_name: string;
      temp: string;
      options: Record<string, unknown>;
    };
    output: { path: string; logs: string[] };
  };
  inspect: { input: { path: string; filename: string }; output: Inspection };
  /** Compares a live file with files that were made of the same measurement afterwards. */
  compare_live: { input: { live: string; files: string[] }; output: { differences: string[] } };
  thumbnail: { input: { path: string; output: string }; output: { size: number } };
}

export type TaskKind = keyof ReaderTasks;

export interface RunOptions {
  /** Killed after this many ms. */
  deadlineMs?: number;
  /** Killed when the process grows beyond this many bytes of resident memory. */
  memoryBytes?: number;
  /** For whom the task runs, such as a source: one with slow tasks does not keep others waiting. */
  owner?: number;
  signal?: AbortSignal;
}

/** Runs tasks in reader processes. */
export interface ReaderPool {
  /**
   * @throws SyncError as the task threw it; `reader_crash`, `reader_hang`, `reader_memory` (class reader) when the
   * process died, ran past its deadline or grew too large
   */
  run<K extends TaskKind>(
    kind: K,
    input: ReaderTasks[K]["input"],
    options?: RunOptions,
  ): Promise<ReaderTasks[K]["output"]>;
  close(): Promise<void>;
}

/** A pool whose tasks all run for one owner. */
export function readersOf(pool: ReaderPool, owner: number): ReaderPool {
  return {
    run: (kind, input, options) => pool.run(kind, input, { ...options, owner }),
    close: () => pool.close(),
  };
}
