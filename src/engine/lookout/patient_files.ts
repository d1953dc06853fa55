/**
 * Files of a share, which may be slow or dead: a few calls at once, each with an end to its patience. A call that never
 * returns keeps its place, so that a dead share cannot use up the threads of the whole agent (D11).
 */
import { SyncError } from "../../kit/errors.ts";
import { type ExactStat, statExactLater } from "../../kit/fingerprint.ts";
import type { Env } from "../../env.ts";
import { withTimer } from "../waking.ts";

/** Calls at once; Deno has 32 threads for them. */
const PARALLEL = 12;
/** Folders and items looked at together; their calls share the places above. */
export const TOGETHER = 8;
/** A call that takes longer than this, ms, means that the share does not answer. */
const PATIENCE_MS = 20_000;

const ofEnvs = new WeakMap<Env, Map<string, PatientFiles>>();

/** The files of a share. Whoever tries again meets the calls that hang since the last time. */
export function patientFiles(env: Env, root: string): PatientFiles {
  let ofRoots = ofEnvs.get(env);
  if (!ofRoots) ofEnvs.set(env, ofRoots = new Map());
  let files = ofRoots.get(root);
  if (!files) ofRoots.set(root, files = new PatientFiles(env));
  return files;
}

/** The share that a path lies on, if it is on one that is looked at patiently. */
export function shareOf(env: Env, path: string): PatientFiles | undefined {
  for (const [root, files] of ofEnvs.get(env) ?? []) {
    if (path === root || path.startsWith(`${root}/`)) return files;
  }
}

export class PatientFiles {
  #free = PARALLEL;
  /** Calls that nobody waits for any more, and that have not returned. */
  #hanging = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly env: Env) {}

  /** A call hangs: nothing may be asked of the share that keeps others waiting. */
  get isSilent(): boolean {
    return this.#hanging > 0;
  }

  /**
   * Resolves when the share answers: something small may then be asked of it at once. Opens the file, if it is there, for
   * what a stat says may come from a cache. Throws the signal's reason, or SyncError `source_silent`.
   */
  async awake(path: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.call(path, signal, async () => (await this.env.fs.open(path, { read: true })).close());
    } catch (e) {
      if (e instanceof SyncError || signal?.aborted) throw e;
    }
  }

  /**
   * Exact stat of a path; of the target of a link when `follow`.
   * Throws the system's error, the signal's reason, or SyncError `source_silent`.
   */
  stat(path: string, follow: boolean, signal?: AbortSignal): Promise<ExactStat> {
    return this.call(path, signal, () => statExactLater(path, follow, this.env.fs));
  }

  /** Entries of a folder. Throws as {@link stat}. */
  list(path: string, signal?: AbortSignal): Promise<Deno.DirEntry[]> {
    return this.call(path, signal, () => Array.fromAsync(this.env.fs.readDir(path)));
  }

  /** Any call about a path. Throws what it throws, the signal's reason, or SyncError `source_silent`. */
  async call<T>(path: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    return await withTimer(this.env, PATIENCE_MS, signal, async (timer) => {
      let [over, isUnderWay] = [false, false];
      const silent = timer.then(() => {
        throw new SyncError(
          "source",
          "source_silent",
          `${path}: no answer within ${PATIENCE_MS / 1000} s`,
          { hint: "Its disk or network share hangs: reconnect it; the source goes on by itself then." },
        );
      }).finally(() => {
        over = true;
        if (isUnderWay) this.#hanging++;
      });
      silent.catch(() => {});
      const turn = this.#turn().then(async () => {
        try {
          if (over) throw new Error("nobody waits for it any more");
          isUnderWay = true;
          return await call();
        } finally {
          if (over && isUnderWay) this.#hanging--;
          isUnderWay = false;
          this.#leave();
        }
      });
      turn.catch(() => {});
      return await Promise.race([turn, silent]);
    });
  }

  #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

/** Does `work` for each, several at once. Rejects with the first failure, when all that was begun has ended. */
export async function inParallel<T>(
  things: Iterable<T>,
  parallel: number,
  work: (thing: T) => Promise<unknown>,
): Promise<void> {
  const iterator = things[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      await work(next.value).catch((e) => {
        failed = true;
        throw e;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallel }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
