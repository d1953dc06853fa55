/** What users do with single items: list, look, prioritize, reset. */
import type { ItemOrder } from "../../catalog/items.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Services } from "../services.ts";
import { itemView, STATES_OF } from "../sources/source_view.ts";
import { loadRecord } from "./sync_record.ts";
import type { ItemDetail, ItemStatus, ItemView } from "../views.ts";

export type { ItemOrder };

export interface ItemFilter {
  /** Name or id. */
  source?: string | number;
  /** One of these. */
  status?: ItemStatus | readonly ItemStatus[];
  /** Part of the identifier, without regard to case. */
  query?: string;
  hasPriority?: boolean;
  scopeIdentifier?: string;
  /** Default: newest first within their source. */
  order?: ItemOrder;
  limit?: number;
  offset?: number;
}

export class ItemService {
  constructor(private readonly s: Services) {}

  /** @throws SyncError `sync_source_not_found` */
  list(filter: ItemFilter): ItemView[] {
    const { catalog } = this.s;
    const sources = new Map(catalog.sources.list().map((r) => [r.id, r]));
    let source_id: number | undefined;
    if (filter.source !== undefined) {
      source_id = typeof filter.source === "number"
        ? sources.get(filter.source)?.id
        : catalog.sources.byName(filter.source)?.id;
      if (source_id === undefined) {
        throw new SyncError("usage", "sync_source_not_found", `there is no source "${filter.source}"`, {
          hint: "List them with: etiket-sync source list",
        });
      }
    }
    const statuses = filter.status === undefined ? undefined : [filter.status].flat();
    return catalog.items.list({
      source_id,
      states: statuses?.flatMap((status) => STATES_OF[status]),
      query: filter.query,
      has_priority: filter.hasPriority,
      scope_identifier: filter.scopeIdentifier,
      order: filter.order,
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

  /**
   * Puts the item before all others and makes it due at once, also when it is synchronized.
   * @throws SyncError `sync_item_scope_mapping_not_found` when it has no scope to go to
   */
  prioritize(id: number): void {
    const item = this.#row(id);
    if (item.state === "unmapped") {
      throw new SyncError(
        "usage",
        "sync_item_scope_mapping_not_found",
        `item ${id} has no scope: "${item.scope_identifier ?? ""}" is not mapped`,
        { hint: "Map it first: etiket-sync source map NAME IDENTIFIER SCOPE" },
      );
    }
    this.s.catalog.items.prioritize(item.id, this.s.env.now());
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
