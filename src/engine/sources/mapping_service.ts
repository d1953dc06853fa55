/** Which scope the items of an identifier go to, where their source has no single one (C4). */
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Services } from "../services.ts";
import type { ScopeMappingView } from "../views.ts";
import { mappedIdentifier } from "./mapped_identifier.ts";
import { findBackend } from "./resolve_source.ts";
import { autoassign, findScope } from "./scopes.ts";
import { findSource, type SourceRef } from "./source_ref.ts";

export class MappingService {
  constructor(private readonly s: Services) {}

  /** Maps a scope identifier; its items become due, already pushed ones move (C4). */
  async set(source: SourceRef, identifier: string, scope: string): Promise<void> {
    const row = this.#row(source);
    await this.#set(row, mappedIdentifier(row.backend, identifier), scope);
  }

  /** As {@link set}, for an identifier without a mapping. @throws SyncError `scope_mapping_already_exists` */
  async add(source: SourceRef, written: string, scope: string): Promise<ScopeMappingView> {
    const row = this.#row(source);
    const identifier = mappedIdentifier(row.backend, written);
    if (this.s.catalog.mappings.scopeOf(row.id, identifier) !== undefined) {
      throw refused("scope_mapping_already_exists", `"${row.name}" maps "${identifier}" already`);
    }
    await this.#set(row, identifier, scope);
    return this.#get(row, identifier);
  }

  /** As {@link set}, for an identifier that has a mapping. @throws SyncError `scope_mapping_not_found` */
  async change(source: SourceRef, written: string, scope: string): Promise<ScopeMappingView> {
    const row = this.#row(source);
    const identifier = mappedIdentifier(row.backend, written);
    this.#get(row, identifier);
    await this.#set(row, identifier, scope);
    return this.#get(row, identifier);
  }

  remove(source: SourceRef, written: string): void {
    const row = this.#row(source);
    const identifier = mappedIdentifier(row.backend, written);
    this.s.catalog.transaction(() => {
      if (!this.s.catalog.mappings.remove(row.id, identifier)) throw noMapping(row, identifier);
      if (row.default_scope === null) this.s.catalog.queue.unmapWaiting(row.id, identifier, this.s.env.now());
    });
  }

  /** Scope identifiers without a scope. */
  unmapped(source: SourceRef): string[] {
    return this.s.catalog.queue.unmappedIdentifiers(this.#row(source).id);
  }

  /** Maps identifiers that equal a scope's name. @returns how many */
  async autoassign(source: SourceRef): Promise<number> {
    return await autoassign(this.s, this.#row(source));
  }

  async #set(row: SourceRow, identifier: string, scope: string): Promise<void> {
    const info = await findBackend(this.s, row.backend);
    if (!info.supports_scope_mapping) {
      throw refused("scope_mapping_not_supported", `backend ${info.identifier} has no scope mappings`);
    }
    const uuid = await findScope(this.s.client, scope).catch((cause) => {
      if (cause instanceof SyncError && cause.code === "sync_source_scope_not_found") {
        throw new SyncError("usage", "scope_mapping_invalid_scope", cause.message, {
          cause,
          hint: cause.hint,
        });
      }
      throw cause;
    });
    this.s.catalog.transaction(() => {
      this.s.catalog.mappings.set(row.id, identifier, uuid);
      this.s.catalog.queue.requeueForScope(row.id, identifier, true, this.s.env.now());
    });
  }

  #get(row: SourceRow, identifier: string): ScopeMappingView {
    const mapping = this.s.catalog.mappings.ofSource(row.id).find((m) => m.scope_identifier === identifier);
    if (!mapping) throw noMapping(row, identifier);
    return { ...mapping, sync_source_id: row.id };
  }

  #row(source: SourceRef): SourceRow {
    return findSource(this.s.catalog, source);
  }
}

function noMapping(row: SourceRow, identifier: string): SyncError {
  return refused("scope_mapping_not_found", `"${row.name}" has no mapping for "${identifier}"`);
}

function refused(code: string, message: string): SyncError {
  return new SyncError("usage", code, message);
}
