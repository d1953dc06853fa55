/** An `Env` for tests: virtual time, numbers of a seed, a disk in memory, events as the test gives them. */
import type { Env, FileSystem, FolderWatch, WatchEvents } from "../../src/env.ts";
import { Random } from "../faults/prng.ts";
import { fakeFileSystem, type FileHooks } from "./fake_file_system.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** 2026-03-02 09:00 UTC, a Monday. */
export const START = Date.UTC(2026, 2, 2, 9);

export interface FakeEnvOptions {
  seed?: number;
  clock?: VirtualClock;
  disk?: MemoryDisk;
  hooks?: FileHooks;
}

export class FakeEnv implements Env {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  readonly fs: FileSystem;
  /** Open watches, by root. */
  readonly watches = new Map<string, WatchEvents>();
  readonly #random: Random;

  constructor(options: FakeEnvOptions = {}) {
    const clock = this.clock = options.clock ?? new VirtualClock(START);
    this.disk = options.disk ?? new MemoryDisk(() => clock.now());
    this.#random = new Random(options.seed ?? 1);
    this.fs = fakeFileSystem(this.disk, () => this.uuid(), options.hooks);
  }

  now(): number {
    return this.clock.now();
  }

  monotonic(): number {
    return this.clock.monotonic();
  }

  random(): number {
    return this.#random.next();
  }

  uuid(): string {
    const hex = Array.from({ length: 32 }, () => this.#random.below(16).toString(16)).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${
      hex.slice(20)
    }`;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.clock.sleep(ms, signal);
  }

  watch(root: string, events: WatchEvents): FolderWatch {
    this.watches.set(root, events);
    return {
      close: () => {
        if (this.watches.get(root) === events) this.watches.delete(root);
      },
    };
  }
}
