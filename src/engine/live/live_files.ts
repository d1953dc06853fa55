/** The files in which running measurements can be seen: where they are, and when they go. */
import { join } from "node:path";
import type { Services } from "../services.ts";

/** As the live host writes it. */
const NAME = "measurement.hdf5";
/** No file is kept longer after it was written last, ms. */
const LONGEST_MS = 5 * 24 * 3_600_000;
const TIDY_EVERY_MS = 3_600_000;

export class LiveFiles {
  #tidiedAt = -Infinity;

  constructor(private readonly s: Pick<Services, "env" | "home" | "catalog" | "log">) {}

  folderOf(dataset: string): string {
    return join(this.s.home.liveDir, dataset);
  }

  pathOf(dataset: string): string {
    return join(this.folderOf(dataset), NAME);
  }

  /** Its dataset is synchronized: the platform has more than the file. */
  remove(dataset: string): void {
    this.s.env.fs.remove(this.folderOf(dataset), { recursive: true }).catch((e) => {
      // A viewer that holds it open, say: the next tidying finds it.
      if (!(e instanceof Deno.errors.NotFound)) {
        this.s.log(`live file of ${dataset} stays for now: ${e.message}`);
      }
    });
  }

  /** At start and every hour: removes what is old, and what a killed agent left. @param followed datasets */
  tidy(followed: ReadonlySet<string>): void {
    const { env, home } = this.s;
    if (env.monotonic() - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = env.monotonic();
    let names: string[];
    try {
      names = [...env.fs.readDirSync(home.liveDir)].map((entry) => entry.name);
    } catch {
      return; // Nothing was ever followed.
    }
    for (const name of names) if (!followed.has(name) && this.#isOfNoUse(name)) this.remove(name);
  }

  #isOfNoUse(dataset: string): boolean {
    const { catalog, env } = this.s;
    const items = catalog.items.ofDataset(dataset);
    if (items.every((item) => item.state === "done")) return true;
    try {
      const { mtime } = env.fs.statSync(this.pathOf(dataset));
      return env.now() - (mtime?.getTime() ?? 0) > LONGEST_MS;
    } catch {
      return true;
    }
  }
}

/** Where nothing is followed (any more): what was followed before is not needed once its item is synchronized. */
export function removeLiveFile(s: ConstructorParameters<typeof LiveFiles>[0], id: number): void {
  const item = s.catalog.items.byId(id);
  if (item?.state === "done") new LiveFiles(s).remove(item.dataset_uuid);
}
