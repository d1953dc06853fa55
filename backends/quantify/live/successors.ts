/** Whether a newer measurement than one container's lies in its data folder. */
import { basename, dirname, join } from "node:path";
import { parseContainerName } from "../container_name.ts";

const DAY = /^\d{8}$/;
/** File systems stamp in ticks of up to two seconds: a folder that changed a moment ago may have changed again. */
const TICK_MS = 2100;
/** `YYYYMMDD-HHMMSS-fff`: what tells older from newer. */
const TIME_LENGTH = 19;

export class Successors {
  readonly #root: string;
  readonly #day: string;
  readonly #time: string;
  readonly #listings = new Map<string, { mtime: number; names: string[] }>();

  /**
   * @param folder of the container, in its day folder
   * @param file that a container needs to count
   */
  constructor(folder: string, readonly file: string, readonly now: () => number) {
    this.#root = dirname(dirname(folder));
    this.#day = basename(dirname(folder));
    this.#time = parseContainerName(basename(folder))?.tuid.slice(0, TIME_LENGTH) ?? "";
  }

  /** Path of a newer container that holds the file; undefined when there is none. */
  find(): string | undefined {
    for (const day of this.#list(this.#root, (name) => DAY.test(name) && name >= this.#day)) {
      const folder = join(this.#root, day);
      for (const name of this.#list(folder, (name) => this.#isNewer(name))) {
        if (isFile(join(folder, name, this.file))) return join(folder, name);
      }
    }
  }

  #isNewer(name: string): boolean {
    const tuid = parseContainerName(name)?.tuid;
    return tuid !== undefined && tuid.slice(0, TIME_LENGTH) > this.#time;
  }

  /** Names of a folder that matter; read again when the folder changed. */
  #list(folder: string, matters: (name: string) => boolean): string[] {
    try {
      const mtime = Deno.statSync(folder).mtime?.getTime() ?? 0;
      const known = this.#listings.get(folder);
      if (known?.mtime === mtime && Math.abs(this.now() - mtime) > TICK_MS) return known.names;
      const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter(matters).sort();
      this.#listings.set(folder, { mtime, names });
      return names;
    } catch {
      // A folder that cannot be read now hides nothing for long: it is looked at again.
      return [];
    }
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
