/** Events of files and folders, each place watched once however many sessions want to know of it. */
import { dirname } from "node:path";

interface Place {
  folder: string;
  /** Whatever happens below it counts, not only what happens to the wanted paths. */
  whole: boolean;
  /** Ids of the sessions that want to know, with the paths they want to know of. */
  wanted: Map<number, Set<string>>;
  watcher: Deno.FsWatcher;
}

/** A watch is a hint: where none can be set, or one ends, polling goes on. */
export class PathWatches {
  readonly #places = new Map<string, Place>();

  /** @param onEvent told of sessions at whose paths something happened */
  constructor(private readonly onEvent: (session: number) => void) {}

  add(session: number, paths: readonly string[]): void {
    for (const path of paths) {
      // Of a file its folder is watched: it may be replaced, or not be there yet.
      const whole = isFolder(path);
      const folder = whole ? path : dirname(path);
      const known = this.#places.get(keyOf(folder, whole)) ?? this.#watch(folder, whole);
      if (!known) continue;
      const wanted = known.wanted.get(session) ?? new Set();
      known.wanted.set(session, wanted.add(path));
    }
  }

  remove(session: number): void {
    for (const place of this.#places.values()) {
      place.wanted.delete(session);
      if (place.wanted.size === 0) this.#close(place);
    }
  }

  #watch(folder: string, whole: boolean): Place | undefined {
    let watcher: Deno.FsWatcher;
    try {
      watcher = Deno.watchFs(folder, { recursive: whole });
    } catch {
      return undefined;
    }
    const place: Place = { folder, whole, wanted: new Map(), watcher };
    this.#places.set(keyOf(folder, whole), place);
    this.#attend(place).catch(() => {}).finally(() => this.#forget(place));
    return place;
  }

  async #attend({ watcher, whole, wanted }: Place): Promise<void> {
    for await (const event of watcher) {
      const all = event.flag === "rescan";
      // Our own reading is an access, too.
      if (event.kind === "access" && !all) continue;
      for (const [session, paths] of wanted) {
        if (all || whole || event.paths.some((path) => paths.has(path))) this.onEvent(session);
      }
    }
  }

  #forget(place: Place): void {
    const key = keyOf(place.folder, place.whole);
    if (this.#places.get(key) === place) this.#places.delete(key);
  }

  #close(place: Place): void {
    this.#forget(place);
    try {
      place.watcher.close();
    } catch {
      // It ended by itself.
    }
  }
}

const keyOf = (folder: string, whole: boolean) => `${whole ? "all" : "paths"} ${folder}`;

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
