/**
 * While the platform cannot be reached, items are read, converted and hashed all the same (behaviour 2.7): what comes of
 * it is in the catalog's caches, so that only sending is left when the connection is back.
 */
import { join } from "node:path";
import type { ItemRow } from "../catalog/item_rows.ts";
import { itemPath } from "../discovery/folder_scan.ts";
import { isoFromMs } from "../kit/time.ts";
import { readersOf } from "../readers/tasks.ts";
import { Freezer } from "./item/freeze.ts";
import { Lanes } from "./lanes.ts";
import { fileGroups } from "./item/prepare.ts";
import { readItem } from "./item/read_item.ts";
import type { ReadySource, Services } from "./services.ts";
import { makeStagingFolder } from "./item/staging.ts";
import { RunStrand } from "./item/sync_record.ts";

/** Items that are prepared in one time without connection. */
const MOST = 2000;

export class PrepareAhead {
  readonly #lanes: Lanes;
  /** Prepared, or tried: what fails now says so when the item is run. */
  readonly #seen = new Set<number>();
  #control = new AbortController();
  #running: Promise<void> | null = null;

  /** @param onEnd called after each item */
  constructor(private readonly s: Services, private readonly onEnd: () => void) {
    this.#lanes = new Lanes(s);
  }

  /** Begins with the next item, unless one is under way. */
  pump(ready: ReadonlyMap<number, ReadySource>): void {
    if (this.#running || this.#seen.size >= MOST) return;
    const item = this.#lanes.next([...ready.keys()], new Set(), [...this.#seen]);
    const source = item && ready.get(item.source_id);
    if (!item || !source) return;
    this.#seen.add(item.id);
    this.#running = prepare(this.s, source, item, this.#control.signal)
      .catch(() => {})
      .finally(() => {
        this.#running = null;
        this.onEnd();
      });
  }

  /** There is a connection again, or the agent ends. */
  async stop(): Promise<void> {
    this.#seen.clear();
    if (!this.#running) return;
    this.#control.abort(new Error("the item is run itself"));
    this.#control = new AbortController();
    await this.#running;
  }
}

async function prepare(s: Services, source: ReadySource, item: ItemRow, signal: AbortSignal): Promise<void> {
  const { plan } = source;
  const path = plan.kind === "folder" ? itemPath(plan, item.path ?? item.identifier) : "";
  const staging = join(s.home.stagingDir, `ahead-${item.id}-${s.env.uuid()}`);
  const services = { ...s, readers: readersOf(s.readers, item.source_id) };
  try {
    makeStagingFolder(s.env.fs, staging);
    const read = await readItem(services, source, item, path, staging, { signal });
    if ("not_started" in read) return;
    const root = plan.kind === "folder" ? await s.env.fs.realPath(plan.root) : null;
    const local = plan.kind === "folder" && !plan.server_folder;
    const freezer = Freezer.in(services, { staging, root, local }, signal);
    for await (const group of fileGroups(services, read.draft, item.id, local)) {
      const own = freezer.fork();
      const unheard = new RunStrand("ahead", 0, () => isoFromMs(s.env.now()));
      try {
        for await (const _file of group.files(own, unheard)) signal.throwIfAborted();
      } finally {
        await own.release();
      }
    }
  } finally {
    await s.env.fs.remove(staging, { recursive: true }).catch(() => {});
  }
}
