/** What users do with sources: add, change, start, stop, reset, map, remove. */
import { realpathSync } from "node:fs";
import type { SourceRow } from "../catalog/sources.ts";
import { SyncError } from "../kit/errors.ts";
import type { BackendInfo, SourcePlan } from "../readers/tasks.ts";
import { findBackend, resolveSource } from "./resolve_source.ts";
import { autoassign, findScope } from "./scopes.ts";
import type { Services } from "./services.ts";
import { errorView, sourceView } from "./source_view.ts";
import type { ErrorView, SourceView } from "./views.ts";

export interface SourceInput {
  name: string;
  /** Short, long or alias name. */
  backend: string;
  config: Record<string, unknown>;
  /** Name or uuid. */
  scope?: string;
  /** Scope of a source that has to be made, when `scope` does not say one; an existing source keeps its own. */
  scopeIfNew?: string;
  autoassign?: boolean;
}

export interface SourcePatch {
  name?: string;
  /** Keys to change; a null value takes a key away. */
  config?: Record<string, unknown>;
  /** Name or uuid; null takes the default scope away. */
  scope?: string | null;
  autoassign?: boolean;
}

export class SourceService {
  constructor(private readonly s: Services, private readonly backends: readonly BackendInfo[]) {}

  list(): SourceView[] {
    return this.s.catalog.sources.list().map((r) => this.#view(r));
  }

  /** @throws SyncError `sync_source_not_found` */
  get(name: string): SourceView {
    return this.#view(this.#row(name));
  }

  /**
   * Checks in the order backend, configuration, name, scope (C2) and adds; a failed add leaves nothing behind.
   * @throws SyncError `sync_source_backend_not_found`, `sync_source_config_error`, `sync_source_name_already_taken`, `sync_source_scope_not_found`
   */
  async add(input: SourceInput): Promise<SourceView> {
    const info = await findBackend(this.s, input.backend);
    const config = await this.#checkConfig(info, input.config);
    this.#checkName(input.name);
    const default_scope = input.scope === undefined ? null : await findScope(this.s.client, input.scope);
    this.#checkPolicy(info, default_scope, input.autoassign ?? false);
    const owner = info.has_owner ? (await this.s.client.me()).sub : null;
    const id = this.s.catalog.sources.add(
      {
        name: input.name,
        backend: info.identifier,
        config,
        default_scope,
        autoassign: input.autoassign ?? false,
        owner,
      },
      this.s.env.now(),
    );
    return this.#view(this.s.catalog.sources.byId(id)!);
  }

  /** A source with equal backend and configuration, or a new one. */
  async findOrAdd(input: SourceInput): Promise<SourceView> {
    const info = await findBackend(this.s, input.backend);
    const { config } = await this.s.readers.run("resolve", {
      backend: info.identifier,
      config: input.config,
    });
    const equal = this.s.catalog.sources.list().find((r) =>
      r.backend === info.identifier && config !== null && canonical(r.config) === canonical(config)
    );
    const scope = input.scope ?? input.scopeIfNew;
    if (!equal) return await this.add({ ...input, ...(scope === undefined ? {} : { scope }) });
    const patch: SourcePatch = {};
    if (input.scope !== undefined) patch.scope = input.scope;
    if (input.autoassign !== undefined) patch.autoassign = input.autoassign;
    return await this.update(equal.name, patch);
  }

  /** Changes any subset; everything is checked before anything is changed. */
  async update(name: string, patch: SourcePatch): Promise<SourceView> {
    const row = this.#row(name);
    const info = await findBackend(this.s, row.backend);
    const config = patch.config === undefined
      ? undefined
      : await this.#checkConfig(info, withoutNulls({ ...row.config, ...patch.config }), row);
    if (patch.name !== undefined && patch.name !== row.name) this.#checkName(patch.name);
    const default_scope = patch.scope === undefined
      ? row.default_scope
      : patch.scope === null
      ? null
      : await findScope(this.s.client, patch.scope);
    const auto = patch.autoassign ?? row.autoassign;
    this.#checkPolicy(info, default_scope, auto);
    const looksElsewhere = config !== undefined &&
      await this.#placeOf(row.backend, row.config) !== await this.#placeOf(row.backend, config);
    const now = this.s.env.now();
    this.s.catalog.transaction(() => {
      if (looksElsewhere) this.s.catalog.items.forgetDatasets(row.id, this.s.env.uuid, now);
      this.s.catalog.sources.update(row.id, {
        ...(patch.name === undefined ? {} : { name: patch.name }),
        ...(config === undefined ? {} : { config }),
        default_scope,
        autoassign: auto,
      }, now);
      if (default_scope !== row.default_scope) this.s.catalog.queue.requeueForScope(row.id, null, true, now);
      if (row.state === "error") this.s.catalog.sources.setState(row.id, "scanning", null, now);
    });
    return this.#view(this.#rowById(row.id));
  }

  /** Removes source, items, mappings and errors; the platform and the user's files stay. */
  remove(name: string): void {
    this.s.catalog.sources.remove(this.#row(name).id);
  }

  start(name: string): void {
    const row = this.#row(name);
    if (row.state === "syncing") throw refused("sync_source_already_running", `"${name}" is already running`);
    this.s.catalog.sources.setState(row.id, "syncing", null, this.s.env.now(), true);
  }

  stop(name: string): void {
    const row = this.#row(name);
    if (row.state === "stopped") throw refused("sync_source_already_stopped", `"${name}" is already stopped`);
    this.s.catalog.sources.setState(row.id, "stopped", null, this.s.env.now(), true);
  }

  /** Resets failed items, or all. @returns how many */
  reset(name: string, includeSuccessful: boolean): number {
    return this.s.catalog.queue.resetSource(this.#row(name).id, includeSuccessful, this.s.env.now());
  }

  errors(name: string, filter: { viewed?: boolean; skip?: number; limit?: number } = {}): ErrorView[] {
    return this.s.catalog.errors.list(this.#row(name).id, filter).map(errorView);
  }

  /** Maps a scope identifier; its items become due, already pushed ones move (C4). */
  async map(name: string, identifier: string, scope: string): Promise<void> {
    const row = this.#row(name);
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

  unmap(name: string, identifier: string): void {
    const row = this.#row(name);
    this.s.catalog.transaction(() => {
      if (!this.s.catalog.mappings.remove(row.id, identifier)) {
        throw refused("scope_mapping_not_found", `"${name}" has no mapping for "${identifier}"`);
      }
      if (row.default_scope === null) this.s.catalog.queue.unmapWaiting(row.id, identifier, this.s.env.now());
    });
  }

  /** Scope identifiers without a scope. */
  unmapped(name: string): string[] {
    return this.s.catalog.queue.unmappedIdentifiers(this.#row(name).id);
  }

  /** Maps identifiers that equal a scope's name. @returns how many */
  async autoassign(name: string): Promise<number> {
    return await autoassign(this.s, this.#row(name));
  }

  #view(row: SourceRow): SourceView {
    return sourceView(this.s.catalog, row, this.backends.find((b) => b.identifier === row.backend));
  }

  #row(name: string): SourceRow {
    const row = this.s.catalog.sources.byName(name);
    if (row) return row;
    throw new SyncError("usage", "sync_source_not_found", `there is no source "${name}"`, {
      hint: "List them with: etiket-sync source list",
    });
  }

  #rowById(id: number): SourceRow {
    const row = this.s.catalog.sources.byId(id);
    if (row) return row;
    throw refused("sync_source_not_found", "the source was removed meanwhile");
  }

  #checkName(name: string): void {
    if (name.trim() === "" || name.length > 100) {
      throw refused("sync_source_name_invalid", `a source's name has 1 to 100 characters`);
    }
    if (this.s.catalog.sources.byName(name)) {
      throw refused("sync_source_name_already_taken", `there is already a source "${name}"`);
    }
  }

  #checkPolicy(info: BackendInfo, scope: string | null, auto: boolean): void {
    if (info.scope_policy === "DISABLED" && scope !== null) {
      throw configError(`${info.display_name} decides on scopes itself: default_scope is not accepted`);
    }
    if (info.scope_policy === "REQUIRED" && scope === null && !(auto && info.supports_scope_mapping)) {
      throw configError(`${info.display_name} needs a default_scope`, "Give it with --scope NAME.");
    }
  }

  async #checkConfig(
    info: BackendInfo,
    raw: Record<string, unknown>,
    self?: SourceRow,
  ): Promise<Record<string, unknown>> {
    const { problems, config, plan } = await this.s.readers.run("resolve", {
      backend: info.identifier,
      config: raw,
    });
    if (problems.length > 0 || !config || !plan) {
      throw configError(
        problems.join("; "),
        `See the fields with: etiket-sync backend show ${info.identifier}`,
      );
    }
    await this.#checkOverlap(plan, self);
    return config;
  }

  /** The root or database that a configuration leads to. */
  async #placeOf(backend: string, config: Record<string, unknown>): Promise<string> {
    const { plan } = await this.s.readers.run("resolve", { backend, config });
    return plan === null ? "" : plan.kind === "folder" ? plan.root : plan.watch_paths.join("\n");
  }

  /** Refuses a root that touches another source's (D17), and a database that another source reads. */
  async #checkOverlap(plan: SourcePlan, self?: SourceRow): Promise<void> {
    for (const row of this.s.catalog.sources.list()) {
      if (row.id === self?.id) continue;
      const other = await resolveSource(this.s, row).catch(() => undefined);
      if (!other) continue;
      if (plan.kind === "folder" && other.plan.kind === "folder" && overlaps(plan.root, other.plan.root)) {
        throw configError(`${plan.root} has an overlap with "${row.name}" (${other.plan.root})`);
      }
      if (plan.kind === "database" && other.plan.kind === "database") {
        const theirs = new Set(other.plan.watch_paths.map(real));
        const shared = plan.watch_paths.map(real).find((p) => theirs.has(p));
        if (shared) throw configError(`${shared} is already used by "${row.name}"`);
      }
    }
  }
}

function overlaps(a: string, b: string): boolean {
  const [x, y] = [comparable(a), comparable(b)];
  return x === y || x.startsWith(y) || y.startsWith(x);
}

/** Default volumes of Windows and macOS do not tell upper and lower case apart. */
function comparable(path: string): string {
  const slashed = real(path).replaceAll("\\", "/").replace(/\/*$/, "/");
  return Deno.build.os === "linux" ? slashed : slashed.toLowerCase();
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_k, v: unknown) =>
      typeof v === "object" && v !== null && !Array.isArray(v)
        ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1))
        : v,
  );
}

function withoutNulls(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, v]) => v !== null));
}

function configError(message: string, hint = ""): SyncError {
  return new SyncError("usage", "sync_source_config_error", message, { hint });
}

function refused(code: string, message: string): SyncError {
  return new SyncError("usage", code, message);
}
