/** What users do with single items: list, look, prioritize, reset. */
import { SyncError } from "../kit/errors.ts";
import type { Services } from "./services.ts";
import { itemView, STATES_OF } from "./source_view.ts";
import { loadRecord } from "./sync_record.ts";
import type { ItemDetail, ItemStatus, ItemView } from "./views.ts";

export interface ItemFilter {
  source?: string;
  status?: ItemStatus;
  query?: string;
  limit?: number;
  offset?: number;
}

export class ItemService {
  constructor(private readonly s: Services) {}

  /** Items by newest first within their source. @throws SyncError `sync_source_not_found` */
  list(filter: ItemFilter): ItemView[] {
    const { catalog } = this.s;
    const sources = new Map(catalog.sources.list().map((r) => [r.id, r]));
    let source_id: number | undefined;
    if (filter.source !== undefined) {
      source_id = catalog.sources.byName(filter.source)?.id;
      if (source_id === undefined) {
        throw new SyncError("usage", "sync_source_not_found", `there is no source "${filter.source}"`, {
          hint: "List them with: etiket-sync source list",
        });
      }
    }
    return catalog.items.list({
      source_id,
      states: filter.status ? STATES_OF[filter.status] : undefined,
      query: filter.query,
      limit: filter.limit ?? -1,
      offset: filter.offset ?? 0,
    }).map((i) => itemView(i, sources.get(i.source_id)));
  }

  /** One item with its sync record. @throws SyncError `sync_item_not_found` */
  get(id: number): ItemDetail {
    const item = this.#row(id);
    return {
      ...itemView(item, this.s.catalog.sources.byId(item.source_id)),
      fingerprint: item.fingerprint,
      sync_record: loadRecord(this.s.catalog.items.record(id)) ?? null,
    };
  }

  /** Puts the item before all others and makes it due at once, also when it is synchronized. */
  prioritize(id: number): void {
    this.s.catalog.items.prioritize(this.#row(id).id, this.s.env.now());
  }

  /** Lifts quarantine and attempts; unchanged bytes are not sent again. */
  reset(id: number): void {
    this.s.catalog.items.reset(this.#row(id).id, this.s.env.now());
  }

  #row(id: number) {
    const item = this.s.catalog.items.byId(id);
    if (item) return item;
    throw new SyncError("usage", "sync_item_not_found", `there is no item ${id}`, {
      hint: "List them with: etiket-sync item list",
    });
  }
}
