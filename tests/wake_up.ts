/** Waits for the next change of some files or folders, or for a pause to end. */

export class WakeUp {
  #watchers: Deno.FsWatcher[] = [];
  #changed = false;
  #waiting?: () => void;

  /** What is not there (a `-wal` to come) is watched by the folder that would hold it. */
  constructor(paths: string[]) {
    for (const path of new Set(paths.map(nearest))) {
      const watcher = Deno.watchFs(path, { recursive: false });
      this.#watchers.push(watcher);
      this.#follow(watcher);
    }
  }

  /** At once if something changed since the last call; after `pause` ms at the latest. */
  async next(pause: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    const timer = setTimeout(resolve, this.#changed ? 0 : pause);
    await promise;
    clearTimeout(timer);
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind } of watcher) {
      if (kind === "access") continue;
      this.#changed = true;
      this.#waiting?.();
    }
  }
}

function nearest(path: string): string {
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return path.slice(0, path.lastIndexOf("/")) || "/";
  }
}
