/** Brings what a scan of a folder source finds into the catalog, in batches. */
import type { FoundItem } from "../../catalog/item_intake.ts";
import type { Lane } from "../../catalog/item_rows.ts";
import { type Examine, examineFully, itemPath, type ScanEvent } from "../../discovery/folder_scan.ts";
import { IdSet } from "../../discovery/id_set.ts";
import { signFile, signFolder } from "../../discovery/item_signature.ts";
import type { Steps } from "../../discovery/item_walk.ts";
import { relocateMoved } from "../item/relocation.ts";
import type { FolderSourcePlan, ReadySource, Services } from "../services.ts";
import { Slices } from "./slices.ts";
import { Unmatched } from "./unmatched.ts";

/** An item that changed no longer ago may be measured right now, ms. */
const FRESH_MS = 120_000;
/** Items per catalog transaction. */
const BATCH = 500;

export interface IntakeOptions {
  /** When the watch told of the changes, ms: inputs that turn out changed changed at least as late. */
  eventAt?: number;
  /** Called after something new or changed was put into the catalog. */
  onFound?: () => void;
  /** What is more urgent than the rest of a long scan; called between its slices. */
  between?: () => Promise<void>;
  /** The lane of what is found, when the watch told of it. */
  lane?: Lane;
  signal?: AbortSignal | undefined;
}

/** An item in the catalog, with the time of its newest file, ms. */
type FoundNow = { id: number; priority: number };

/** Each found item with the relative name on disk and the signature it had. */
type Batched = FoundItem & { signature: number };

export class FolderIntake {
  /** Items that were there. */
  readonly seen = new IdSet();
  readonly unmatched = new Unmatched();
  /** Everything could be listed. */
  complete = true;
  #batch: Batched[] = [];
  readonly #lane: Lane;

  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly plan: FolderSourcePlan,
    private readonly options: IntakeOptions = {},
  ) {
    // What the first scan of a source finds is back-fill; later finds are news.
    this.#lane = options.lane ?? (source.row.scanned ? "new" : "backfill");
  }

  /** Recognises an unchanged item by its signature; anything else is digested. */
  readonly examine: Examine = (relative) => this.#examine(relative);

  *#examine(relative: string): ReturnType<Examine> {
    const { s, plan } = this;
    const now = s.env.now();
    const look = s.catalog.looks.get(this.source.row.id, relative);
    if (look && look.signature !== 0) {
      const { signature, nested } = yield* this.#sign(relative, now);
      if (signature === look.signature) return { known: look.item_id, nested, unreadable: [] };
    }
    return yield* examineFully(plan, s.env.fs, relative, now);
  }

  *#sign(relative: string, now: number): Steps<{ signature: number; nested: string[] }> {
    const path = itemPath(this.plan, relative);
    const { fs } = this.s.env;
    if (this.plan.single_file) return { signature: signFile(path, now, fs), nested: [] };
    return yield* signFolder(path, this.plan.level === -1, now, fs);
  }

  /** Takes all events of a scan, giving others their turn. Throws the signal's reason when it fires. */
  async takeAll(events: Iterable<ScanEvent>): Promise<void> {
    const slices = new Slices(this.s.env, this.options.signal);
    for (const event of events) {
      this.take(event);
      if (!slices.over) continue;
      await slices.next();
      if (!this.options.between) continue;
      // What was seen so far must not overwrite what is seen now.
      this.flush();
      await this.options.between();
    }
    this.flush();
  }

  /** Takes one event; {@link flush} when there are no more. */
  take(event: ScanEvent): void {
    if (event.kind === "known") this.seen.add(event.id);
    else if (event.kind === "unreadable") this.complete = false;
    else if (event.kind === "unmatched") {
      this.unmatched.add(event.path, event.reason, this.#mtime(event.path));
    } else if (event.kind === "item") {
      const { plan, source: { row }, options } = this;
      const now = this.s.env.now();
      const scopeFromPath = plan.scope_from_path && row.autoassign && row.default_scope === null;
      this.#batch.push({
        identifier: event.identifier,
        path: event.path,
        priority: event.changed_ms,
        fingerprint: event.fingerprint,
        signature: event.signature,
        changed_at: Math.min(Math.max(event.changed_ms, options.eventAt ?? 0), now),
        scope_identifier: scopeFromPath ? event.identifier.split("/")[0] : undefined,
      });
      if (this.#batch.length >= BATCH) this.flush();
    }
  }

  #mtime(relative: string): number {
    try {
      return this.s.env.fs.lstatSync(itemPath(this.plan, relative)).mtime?.getTime() ?? 0;
    } catch {
      return 0;
    }
  }

  /** Writes what was taken to the catalog. */
  flush(): void {
    const { catalog, env } = this.s;
    const { id } = this.source.row;
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    relocateMoved(this.s, { row: this.source.row, plan: this.plan }, batch);
    const found = catalog.transaction(() => {
      const ids = catalog.intake.upsert(id, batch, this.#lane, () => env.uuid(), env.now());
      for (const [i, item] of batch.entries()) {
        const item_id = ids[i] ?? 0;
        this.seen.add(item_id);
        catalog.looks.put(id, item.path ?? item.identifier, { item_id, signature: item.signature });
      }
      return ids.map((found, i) => ({ id: found, priority: batch[i]?.priority ?? 0 }));
    });
    this.#offer(found);
    this.options.onFound?.();
  }

  /** What changed a moment ago may be measured right now; bulk copies of older data are of no concern. */
  #offer(found: readonly FoundNow[]): void {
    const { s, source } = this;
    if (!s.live || !source.info.live) return;
    const since = s.env.now() - FRESH_MS;
    const fresh = found.filter((f) => f.priority >= since).sort((a, b) => a.priority - b.priority);
    s.live.offer(source, fresh.map((f) => f.id));
  }
}
