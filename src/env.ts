/**
 * Time, randomness and the file system as one object, so that fault and simulation tests run the production code
 * of discovery, transfer and engine. The network comes in through the platform client's transport.
 */
import { clearImmediate, setImmediate } from "node:timers";
import { SyncError } from "./kit/errors.ts";
import type { ExactStatSource } from "./kit/fingerprint.ts";

export type FileSystem =
  & Pick<
    typeof Deno,
    | "lstat"
    | "lstatSync"
    | "stat"
    | "statSync"
    | "realPathSync"
    | "mkdirSync"
    | "removeSync"
    | "renameSync"
    | "readTextFileSync"
    | "readDirSync"
    | "readTextFile"
    | "realPath"
    | "open"
    | "openSync"
    | "copyFile"
    | "mkdir"
    | "rename"
    | "remove"
    | "writeTextFile"
    | "makeTempDir"
    | "readDir"
  >
  & ExactStatSource;

/** A watch on a folder and everything below it. It is a hint: events may be late, doubled or lost. */
export interface FolderWatch {
  close(): void;
}

export interface WatchEvents {
  /** Absolute paths at which something happened. */
  onPaths(paths: readonly string[]): void;
  /** Events were or may have been lost: only a scan tells what changed. */
  onLost(reason: string): void;
  /** The watch is of no further use. */
  onEnd(reason: string): void;
}

export interface Env {
  /** Wall clock, ms since 1970 UTC. */
  now(): number;
  /** A clock that never jumps, ms. */
  monotonic(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** A fresh v4 uuid. */
  uuid(): string;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  fs: FileSystem;
  /**
   * Watches a folder recursively.
   * @throws SyncError of class source `watch_failed` when the system refuses (no watches left, unsupported file system)
   */
  watch(root: string, events: WatchEvents): FolderWatch;
}

/** The real world. */
export const systemEnv: Env = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const done = () => {
        signal?.removeEventListener("abort", cancel);
        resolve();
      };
      // A timer fires after 1 ms at the earliest: too late for one who only lets others work.
      const immediate = ms <= 0 ? setImmediate(done) : undefined;
      const timer = immediate ? undefined : setTimeout(done, ms);
      const cancel = () => {
        clearTimeout(timer);
        if (immediate) clearImmediate(immediate);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", cancel, { once: true });
    }),
  fs: Deno,
  watch: watchFolder,
};

function watchFolder(root: string, events: WatchEvents): FolderWatch {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(root, { recursive: true });
  } catch (cause) {
    throw watchRefused(root, cause);
  }
  (async () => {
    for await (const event of watcher) {
      // The system's queue overflowed: paths of such an event say nothing.
      if (event.flag === "rescan") events.onLost("the system dropped events");
      // Opening and closing changes nothing; a write comes as "modify" before the file is closed.
      else if (event.kind !== "access") events.onPaths(event.paths);
    }
  })().then(() => events.onEnd("closed"), (e) => events.onEnd(String(e)));
  return {
    close() {
      try {
        watcher.close();
      } catch {
        // It ended by itself.
      }
    },
  };
}

/** What the system gives out of watches: ENOSPC (28) watched folders, EMFILE (24) watches of a user. */
const NONE_LEFT = /watch limit|os error (28|24)|no space left|too many open files/i;

function watchRefused(root: string, cause: unknown): SyncError {
  const noneLeft = NONE_LEFT.test(cause instanceof Error ? cause.message : String(cause));
  if (!noneLeft || Deno.build.os !== "linux") {
    return new SyncError("source", "watch_failed", `${root} cannot be watched`, {
      cause,
      hint: "It is looked at every few seconds instead; nothing is lost.",
    });
  }
  return new SyncError(
    "source",
    "watch_failed",
    `${root} has more folders than may be watched: fs.inotify.max_user_watches is ${
      inotifyLimit("max_user_watches")
    }, fs.inotify.max_user_instances is ${inotifyLimit("max_user_instances")}`,
    {
      cause,
      hint: "It is looked at every few seconds instead. To get events: sudo sysctl " +
        "fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=512",
    },
  );
}

/** A limit of inotify for each user (man 7 inotify). */
function inotifyLimit(name: "max_user_watches" | "max_user_instances"): string {
  try {
    return Deno.readTextFileSync(`/proc/sys/fs/inotify/${name}`).trim();
  } catch {
    return "unknown";
  }
}
