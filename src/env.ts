/**
 * Time, randomness and the file system as one object, so that fault and simulation tests run the production code
 * of discovery, transfer and engine. The network comes in through the platform client's transport.
 */
export type FileSystem = Pick<
  typeof Deno,
  | "lstat"
  | "lstatSync"
  | "stat"
  | "statSync"
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
>;

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
      const timer = setTimeout(done, ms);
      const cancel = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", cancel, { once: true });
    }),
  fs: Deno,
};
