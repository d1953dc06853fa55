/** The contract of a backend: the code that understands one acquisition system. */
import type { ReadResult } from "./drafts.ts";
import type { ConverterInfo } from "./define_converter.ts";
import { SyncError } from "./errors.ts";
import type { LiveAnswer, LiveContext } from "./live.ts";

export type FieldType =
  | "string"
  | "integer"
  | "float"
  | "boolean"
  | "path"
  | "dir_path"
  | "file_path"
  | "list"
  | "dict";

/** One key of a source's configuration; the agent checks types and unknown keys from these. */
export interface Field {
  name: string;
  type: FieldType;
  required: boolean;
  description: string;
  default?: string | number | boolean | null | unknown[] | Record<string, unknown>;
  /** Further types that are accepted besides `type`. */
  also?: FieldType[];
  /** Other names under which the key is accepted. */
  aliases?: string[];
  /** Allowed values of a string. */
  choices?: string[];
  /** Never shown, never logged, sealed at rest. */
  secret?: boolean;
  /** Used in the generated copy-paste example. */
  example?: unknown;
}

/** A checked configuration: defaults filled in, paths absolute, `time_zone` always set. */
export type Config = Record<string, unknown>;

export type ScopePolicy = "REQUIRED" | "OPTIONAL" | "DISABLED";

/** One unit of synchronization that discovery found. */
export interface DiscoveredItem {
  identifier: string;
  /** Larger = newer; orders items inside a lane. */
  priority: number;
  scope_identifier?: string;
  dataset_uuid?: string;
  /** Anything whose change means "look again", as text. */
  fingerprint: string;
  /** It may be running: worth asking `live`. Folder backends are asked for whatever changed a moment ago. */
  running?: true;
}

/** One page of a database backend's discovery. */
export interface DiscoveryPage {
  items: DiscoveredItem[];
  /** Passed back as `since` at the next call; JSON. */
  cursor: unknown;
  /** At the end of a round: files of a folder of databases that belong to no item. Absent: nothing is said of them. */
  unmatched?: { path: string; reason: string }[];
  /** True when a further call would bring more at once. */
  more: boolean;
}

/** What the agent hands to a backend while it reads one item. */
export interface ReadContext {
  /** Empty folder for files that the backend makes; removed after the item. */
  staging: string;
  /** Version of the agent, for deterministic output attributes. */
  version: string;
  /** Installed converters, for backends that let users ask for them. */
  converters: ConverterInfo[];
  /** IANA zone in which times without zone are meant. */
  timeZone: string;
  /** True when no newer item of this source exists: it may still be running. */
  newest: boolean;
  /** Current time, ms since 1970 UTC. */
  now: number;
  /**
   * The item is being measured, and its dataset is to be made now: a draft is wanted as soon as there is anything to say,
   * without files (those of the draft are dropped, so that nothing need be converted).
   */
  metadataOnly?: true;
}

/** Values that a replica takes over from the platform; what is left out stays. */
export interface TakenOver {
  name?: string;
  description?: string | null;
  notes?: string | null;
  ranking?: number;
  keywords?: string[];
  /** Attributes with their new values, null for those that go. */
  attributes?: Record<string, string | null>;
}

/** What became of an item, told to its source. */
export interface WriteBack {
  /** `state` of the replica that was read. */
  state: string;
  /** Versions whose bytes are secured on the platform. */
  secured: { uuid: string; version_id: number }[];
  /** Nothing of the item is left to be done. */
  complete: boolean;
  metadata: TakenOver;
}

export interface WriteBackResult {
  /** The source changed since it was read: what no longer fits was not written, the item is to be read again. */
  moved: boolean;
}

/** The item that `read` is called for. */
export interface ReadItem {
  identifier: string;
  /** Absolute path, for folder backends; "" otherwise. */
  path: string;
}

interface BackendBase {
  /** `etiket_sync_agent_<name>`; the short form `<name>` is accepted everywhere. */
  identifier: string;
  display_name: string;
  aliases?: string[];
  version: string;
  scope_policy: ScopePolicy;
  supports_scope_mapping: boolean;
  has_owner: boolean;
  fields: Field[];
  /**
   * Checks a configuration beyond its types, without side effects.
   * @returns one sentence per problem, empty when usable
   */
  validate(config: Config): string[] | Promise<string[]>;
  /** Reads one item into a draft. Throws a SyncError of class data, busy or source. */
  read(config: Config, item: ReadItem, context: ReadContext): ReadResult | Promise<ReadResult>;
  /**
   * Notes in the source what the platform has; only for replicas, called when the platform is done. Called again after a
   * kill. Throws a SyncError, of class busy when somebody else holds the source.
   */
  writeBack?(config: Config, item: ReadItem, outcome: WriteBack): WriteBackResult | Promise<WriteBackResult>;
  /**
   * Follows an item that is being measured (behaviour 10). Asked for items that may be running; cheap and without effect
   * when it is not. Throws a SyncError of class data, busy or source.
   */
  live?(config: Config, item: ReadItem, context: LiveContext): LiveAnswer | Promise<LiveAnswer>;
  /** Of a replica: uuid of the dataset that it has under this alt_uid in this scope (4.1), or null. */
  findDataset?(config: Config, altUid: string, scope: string): Promise<string | null>;
}

/** A backend whose items are folders or files at a depth below a root (-1: folders that hold an info file). */
export interface FolderBackend extends BackendBase {
  kind: "folder";
  level: number | ((config: Config) => number);
  /** Items are single files at that depth instead of folders. */
  single_file: boolean;
  rootPath(config: Config): string;
  /** True when the root lies on a file server without change events. */
  isServerFolder(config: Config): boolean;
  /** Items whose relative path does not match are listed as unmatched `name_pattern`. */
  name_pattern?: RegExp;
  /** The first folder name of an item's path is its scope identifier, for sources without default scope. */
  scope_from_path?: boolean;
}

/** A backend whose items are rows of a database, found incrementally. */
export interface DatabaseBackend extends BackendBase {
  kind: "database";
  /**
   * Files whose (size, mtime) decide cheaply whether discovery is worth running; missing ones are fine.
   * Empty: always run it.
   */
  watchPaths(config: Config): string[];
  /**
   * Which database it is, where no file says that: text without secrets, the same for every way of naming it, such as
   * `postgresql://host:port/name`.
   */
  address?(config: Config): string;
  /** Finds items after `since` (undefined = first time), and known ones whose fingerprint may have changed. */
  discover(config: Config, since: unknown): DiscoveryPage | Promise<DiscoveryPage>;
}

export type Backend = FolderBackend | DatabaseBackend;

/**
 * Checks a backend definition and returns it.
 * @throws SyncError `backend_invalid` naming the missing or mistyped member
 */
export function defineBackend<B extends Backend>(definition: B): B {
  const d = definition as unknown as Record<string, unknown>;
  const demand = (member: string, ok: boolean) => {
    if (!ok) {
      throw new SyncError(
        "usage",
        "backend_invalid",
        `backend definition: member "${member}" is missing or mistyped`,
        {
          hint: "See docs/BACKENDS.md for the members of a backend.",
        },
      );
    }
  };
  for (const m of ["identifier", "display_name", "version"]) {
    demand(m, typeof d[m] === "string" && d[m] !== "");
  }
  for (const m of ["supports_scope_mapping", "has_owner"]) demand(m, typeof d[m] === "boolean");
  for (const m of ["validate", "read"]) demand(m, typeof d[m] === "function");
  demand("scope_policy", ["REQUIRED", "OPTIONAL", "DISABLED"].includes(String(d.scope_policy)));
  demand("fields", Array.isArray(d.fields));
  demand("kind", d.kind === "folder" || d.kind === "database");
  if (d.kind === "folder") {
    demand("level", typeof d.level === "number" || typeof d.level === "function");
    demand("single_file", typeof d.single_file === "boolean");
    for (const m of ["rootPath", "isServerFolder"]) demand(m, typeof d[m] === "function");
  } else {
    for (const m of ["watchPaths", "discover"]) demand(m, typeof d[m] === "function");
  }
  return definition;
}
