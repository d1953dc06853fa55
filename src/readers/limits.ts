/** How long a task may take and how much a reader process may use. */
import type { TaskKind } from "./tasks.ts";

/** Default deadlines, ms (rules B3, K2). */
export const DEADLINES: Record<TaskKind, number> = {
  describe: 30_000,
  resolve: 15_000,
  discover: 60_000,
  read: 120_000,
  write_back: 60_000,
  find_dataset: 30_000,
  convert: 600_000,
  inspect: 30_000,
  compare_live: 60_000,
  thumbnail: 60_000,
};

const MiB = 1024 * 1024;

/** Resident memory past which a process is killed (B3, K2). */
export const MEMORY_BYTES = 1536 * MiB;

/**
 * Past any of these a process gets no further task. WASM memory never shrinks; errors may leave things open. A new one
 * takes about a second of processor time until it is as quick as the old one was.
 */
export const RECYCLE = { tasks: 1000, errors: 20, rss: 400 * MiB };

/** What a process may print during one task (P4). */
export const OUTPUT = { line: 64 * MiB, perSecond: 64 * MiB, total: 1024 * MiB };

/** An idle process is closed after this many ms. */
export const IDLE_MS = 30_000;

/** A process that takes no tasks this many ms after its start is given up. */
export const START_MS = 60_000;
