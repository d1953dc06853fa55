/** The error inbox as users work with it: what the agent itself met, and what its sources met. */
import type { Catalog } from "../catalog/catalog.ts";
import { SyncError } from "../kit/errors.ts";
import { errorView } from "./sources/source_view.ts";
import type { ErrorView } from "./views.ts";

export interface ErrorFilter {
  viewed?: boolean;
  skip?: number;
  limit?: number;
}

export class ErrorService {
  constructor(private readonly catalog: Catalog) {}

  /** The agent's own, newest first; with `sources` those of all sources too. */
  list(filter: ErrorFilter & { sources?: boolean }): ErrorView[] {
    const { sources = false, ...rest } = filter;
    return this.catalog.errors.list(sources ? undefined : null, rest).map(errorView);
  }

  /** Of the agent's own errors. @throws SyncError `sync_status_error_not_found` */
  setViewed(id: number, viewed: boolean): ErrorView {
    const row = this.catalog.errors.setViewed(null, id, viewed);
    if (row) return errorView(row);
    throw new SyncError("usage", "sync_status_error_not_found", `the agent has no error ${id}`);
  }

  /** Of the agent's own errors. @returns how many were unread */
  markAllViewed(): number {
    return this.catalog.errors.markAllViewed(null);
  }
}
