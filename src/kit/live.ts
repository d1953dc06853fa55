/**
 * What a backend tells of a measurement while it runs: its variables, their extents, and patches of values. The agent
 * looks at the session again and again; each look costs what changed, not what exists.
 */

/** Stored type on the stream: `c16` = pairs of f8 (re, im, re, im …), `text` = UTF-8 strings. */
export type LiveDtype = "f8" | "i8" | "c16" | "text";

export interface LiveVariable {
  /** Unique in the session. */
  name: string;
  dtype: LiveDtype;
  /** One name per axis; variables that share an axis name it alike. */
  dims: string[];
  /** Extent now, per axis; it may grow or shrink (`extent`). */
  shape: number[];
  role: "setpoint" | "measured";
  units: string | null;
  long_name: string | null;
  /** Names of the setpoints that a measured variable depends on, in the order of its axes where they are axes. */
  depends_on: string[];
}

/** The structure of a run: the first change of a session, and again whenever the structure is another (a new epoch). */
export interface LiveOpen {
  type: "open";
  name: string;
  /** Facts of the run; values are texts, numbers, lists and maps. */
  attrs: Record<string, unknown>;
  variables: LiveVariable[];
}

/** Values in C order: `i8` as BigInt64Array, complex as interleaved Float64Array, text as a list. */
export type LiveValues = Float64Array | BigInt64Array | string[];

/**
 * A block of cells that are written now, with their absolute values: every cell of it was really written (a NaN in it
 * is data). A block that reaches beyond the extent lets it grow.
 */
export interface LivePatch {
  type: "patch";
  var: string;
  offset: number[];
  shape: number[];
  values: LiveValues;
}

/** The true extent of a variable is another one now. */
export interface LiveExtent {
  type: "extent";
  var: string;
  shape: number[];
}

export type LiveChange = LiveOpen | LivePatch | LiveExtent;

export type LiveEndReason =
  | "completed"
  | "filled"
  | "superseded"
  | "inactive"
  | "lost"
  | "stopped"
  | "failed";

/** Why a session ends, and what shows it. */
export interface LiveEnd {
  reason: LiveEndReason;
  /** One sentence with the fact that was seen, such as "is_completed = 1 and row 1000 was the last". */
  evidence: string;
  /** Whether the measurement is whole; null when nobody can know. */
  complete: boolean | null;
}

/** What one look at a running measurement gave. */
export interface LiveLook {
  /** In the order in which they are to be applied. */
  changes: LiveChange[];
  /** The format says that it has ended, and everything of it was given. */
  end?: LiveEnd;
  /** It moves although nothing of it is given here (a file that others follow by themselves): no silence. */
  alive?: boolean;
  /** More is there already: look again at once, after other sessions had their turn. */
  more?: boolean;
  /** Nothing could be read now, for a reason that passes (the file is being written, locked, torn). */
  delayed?: string;
}

/** A running measurement that is being followed. One look at a time; looks end within some ms (batches, `more`). */
export interface LiveSession {
  /**
   * Files and folders (with all below them) whose change may mean news; their events wake the session. Empty: polling
   * alone. May grow while the session goes on.
   */
  watch: string[];
  /** Pause between two looks without events, ms: while it changes, and when it has been quiet for a while. */
  poll: { active: number; quiet: number };
  /**
   * What silence means (10.5): `ends` = it is inactive after 120 s; `parks` = stalled, looked at once a minute after 10
   * min, and never over for that reason alone.
   */
  silence: "ends" | "parks";
  /**
   * What is new since the last look.
   * @throws SyncError; the agent tries again, and after three failures opens a new session
   */
  look(): LiveLook | Promise<LiveLook>;
  close(): void | Promise<void>;
}

/** What the agent hands to a session. */
export interface LiveContext {
  /** Private folder of the session for snapshots; removed after it. */
  temp: string;
  /** IANA zone in which times without zone are meant. */
  timeZone: string;
  /** Current time, ms since 1970 UTC; by a function, since sessions last. */
  now(): number;
  /** For sessions that hear of news by other ways than files (a database's notification): they are looked at at once. */
  wake?(): void;
  /**
   * The item was followed until a moment ago, by a process that is gone: it is followed although it has ended meanwhile,
   * so that its last values and its end are told.
   */
  resumed?: true;
}

/** Answer of a backend's `live`: a session, or why the item is not one that runs. */
export type LiveAnswer = { session: LiveSession } | { not_live: string };
