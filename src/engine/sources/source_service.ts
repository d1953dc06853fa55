/** What users do with sources: add, change, start, stop, reset, own, remove. */
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import type { BackendInfo, SourcePlan } from "../../readers/tasks.ts";
import { refuseSecondNative, rememberRemoved } from "./native_source.ts";
import { findBackend, planOf } from "./resolve_source.ts";
import { findScope } from "./scopes.ts";
import { findSource, type SourceRef } from "./source_ref.ts";
import type { Services } from "../services.ts";
import { checkConfig, type CheckedConfig, checkName, checkOverlap, checkPolicy } from "./source_checks.ts";
import {
  isReference,
  namingSource,
  secretsGiven,
  type SourceSecrets,
  withoutSecrets,
} from "./source_secrets.ts";
import { errorView, sourceView } from "./source_view.ts";
import type { ErrorView, SourceView } from "../views.ts";

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
  constructor(
    private readonly s: Services,
    private readonly backends: readonly BackendInfo[],
    private readonly secrets: SourceSecrets,
  ) {}

  list(): SourceView[] {
    return this.s.catalog.sources.list().map((r) => this.#view(r));
  }

  /** @throws SyncError `sync_source_not_found` */
  get(source: SourceRef): SourceView {
    return this.#view(this.#row(source));
  }

  /**
   * Checks in the order backend, configuration, name, scope (C2) and adds; a failed add leaves nothing behind.
   * @throws SyncError `sync_source_backend_not_found`, `sync_source_config_error`, `sync_source_name_already_taken`, `sync_source_scope_not_found`
   */
  async add(input: SourceInput): Promise<SourceView> {
    const info = await findBackend(this.s, input.backend);
    takeNote(info, input.config);
    const { config, plan } = await checkConfig(this.s, info, input.config);
    checkName(this.s, input.name);
    const default_scope = input.scope === undefined ? null : await findScope(this.s.client, input.scope);
    checkPolicy(info, default_scope, input.autoassign ?? false);
    refuseSecondNative(this.s.catalog, info.identifier);
    await checkOverlap(this.s, plan);
    const owner = info.has_owner ? (await this.s.client.me()).sub : null;
    const sealed = await this.secrets.seal(info.fields, config);
    try {
      const id = this.s.catalog.transaction(() => {
        // Another process may have taken the name while the backend looked.
        checkName(this.s, input.name);
        refuseSecondNative(this.s.catalog, info.identifier);
        return this.s.catalog.sources.add(
          {
            name: input.name,
            backend: info.identifier,
            config: sealed,
            default_scope,
            autoassign: input.autoassign ?? false,
            owner,
          },
          this.s.env.now(),
        );
      });
      return this.get(id);
    } catch (e) {
      await this.secrets.forget(sealed);
      throw e;
    }
  }

  /** A source with equal backend and configuration, which gets the secrets that are given, or a new one. */
  async findOrAdd(input: SourceInput): Promise<SourceView> {
    const info = await findBackend(this.s, input.backend);
    const secrets = takeNote(info, input.config);
    const { config } = await this.s.readers.run("resolve", {
      backend: info.identifier,
      config: input.config,
    });
    const equal = this.s.catalog.sources.list().find((r) =>
      r.backend === info.identifier && config !== null && equalBesidesSecrets(info, r.config, config)
    );
    const scope = input.scope ?? input.scopeIfNew;
    if (!equal) return await this.add({ ...input, ...(scope === undefined ? {} : { scope }) });
    const patch: SourcePatch = Object.keys(secrets).length > 0 ? { config: secrets } : {};
    if (input.scope !== undefined) patch.scope = input.scope;
    if (input.autoassign !== undefined) patch.autoassign = input.autoassign;
    return await this.update(equal.name, patch);
  }

  /** Changes any subset; everything is checked before anything is changed. */
  async update(source: SourceRef, patch: SourcePatch): Promise<SourceView> {
    const row = this.#row(source);
    const info = await findBackend(this.s, row.backend);
    const checked = patch.config && await this.#checkPatch(info, row, patch.config);
    if (patch.name !== undefined && patch.name !== row.name) checkName(this.s, patch.name);
    const default_scope = patch.scope === undefined
      ? row.default_scope
      : patch.scope === null
      ? null
      : await findScope(this.s.client, patch.scope);
    const auto = patch.autoassign ?? row.autoassign;
    checkPolicy(info, default_scope, auto);
    if (checked) await checkOverlap(this.s, checked.plan, row);
    // A source that only gets another password is the same one, and where it leads need not be asked for.
    const sameData = checked !== undefined && equalBesidesSecrets(info, row.config, checked.config);
    const looksElsewhere = checked !== undefined && !sameData &&
      await this.#placeBefore(info, row, checked) !== placeOf(checked.plan);
    const sealed = checked && await this.secrets.seal(info.fields, checked.config, row.config);
    const now = this.s.env.now();
    try {
      this.s.catalog.transaction(() => {
        // Another change may have come while the backend and the platform were asked: only what was asked for is set.
        if (sealed) this.#refuseIfChanged(row);
        if (patch.name !== undefined && patch.name !== row.name) checkName(this.s, patch.name);
        if (looksElsewhere) this.s.catalog.items.forgetDatasets(row.id, this.s.env.uuid, now);
        this.s.catalog.sources.update(row.id, {
          ...(patch.name === undefined ? {} : { name: patch.name }),
          ...(sealed === undefined ? {} : { config: sealed, sameData }),
          ...(patch.scope === undefined ? {} : { default_scope }),
          ...(patch.autoassign === undefined ? {} : { autoassign: auto }),
        }, now);
        if (default_scope !== row.default_scope) {
          this.s.catalog.queue.requeueForScope(row.id, null, true, now);
        }
        if (row.state === "error") this.s.catalog.sources.setState(row.id, "scanning", null, now);
      });
    } catch (e) {
      if (sealed) await this.secrets.forget(sealed, row.config);
      throw e;
    }
    if (sealed) await this.secrets.forget(row.config, sealed);
    return this.get(row.id);
  }

  /** Removes source, secrets, items, mappings and errors; the platform and the user's files stay. */
  async remove(source: SourceRef): Promise<void> {
    const row = this.#row(source);
    rememberRemoved(this.s.catalog, row.backend);
    this.s.catalog.sources.remove(row.id);
    await this.secrets.forget(row.config);
  }

  /** @throws SyncError `sync_source_already_running` unless it is stopped or in error */
  start(source: SourceRef): void {
    const row = this.#row(source);
    if (row.state === "syncing" || row.state === "scanning") {
      throw refused("sync_source_already_running", `"${row.name}" is already running`);
    }
    this.s.catalog.sources.setState(row.id, "syncing", null, this.s.env.now(), true);
  }

  /** @throws SyncError `sync_source_already_stopped` */
  stop(source: SourceRef): void {
    const row = this.#row(source);
    if (row.state === "stopped") {
      throw refused("sync_source_already_stopped", `"${row.name}" is already stopped`);
    }
    this.s.catalog.sources.setState(row.id, "stopped", null, this.s.env.now(), true);
  }

  /** Resets failed items, or all. @returns how many */
  reset(source: SourceRef, includeSuccessful: boolean): number {
    return this.s.catalog.queue.resetSource(this.#row(source).id, includeSuccessful, this.s.env.now());
  }

  /**
   * Makes the logged-in user the owner, whoever it was (C8).
   * @throws SyncError `sync_source_backend_has_no_owner`
   */
  async takeOwnership(source: SourceRef): Promise<SourceView> {
    const row = this.#row(source);
    if (!(await findBackend(this.s, row.backend)).has_owner) {
      throw refused("sync_source_backend_has_no_owner", `sources of ${row.backend} belong to nobody`);
    }
    const { sub } = await this.s.client.me();
    this.s.catalog.sources.setOwner(row.id, sub, this.s.env.now());
    return this.get(row.id);
  }

  /** Takes the owner away; nothing happens when there is none. */
  async releaseOwnership(source: SourceRef): Promise<SourceView> {
    const row = this.#row(source);
    await this.s.client.me();
    this.s.catalog.sources.setOwner(row.id, null, this.s.env.now());
    return this.get(row.id);
  }

  errors(
    source: SourceRef,
    filter: { viewed?: boolean; skip?: number; limit?: number } = {},
  ): ErrorView[] {
    return this.s.catalog.errors.list(this.#row(source).id, filter).map(errorView);
  }

  /** @throws SyncError `sync_source_error_not_found` */
  setErrorViewed(source: SourceRef, error: number, viewed: boolean): ErrorView {
    const row = this.s.catalog.errors.setViewed(this.#row(source).id, error, viewed);
    if (row) return errorView(row);
    throw refused("sync_source_error_not_found", `the source has no error ${error}`);
  }

  /** @returns how many were unread */
  markErrorsViewed(source: SourceRef): number {
    return this.s.catalog.errors.markAllViewed(this.#row(source).id);
  }

  /** @returns the whole configuration: new secrets in clear, the others as references; undefined when nothing changes */
  async #checkPatch(
    info: BackendInfo,
    row: SourceRow,
    patch: Record<string, unknown>,
  ): Promise<CheckedConfig | undefined> {
    takeNote(info, patch);
    const config = withoutNulls({ ...row.config, ...patch });
    try {
      // What is stored already need not be in reach now: an agent may start before the database does.
      const same = await this.s.readers.run("resolve", { backend: row.backend, config, unvalidated: true });
      if (same.config && await this.#isAsStored(info, row, same.config)) return undefined;
      return await checkConfig(this.s, info, config);
    } catch (e) {
      throw namingSource(e, row.name);
    }
  }

  async #isAsStored(info: BackendInfo, row: SourceRow, config: Record<string, unknown>): Promise<boolean> {
    return equalBesidesSecrets(info, config, row.config) &&
      await this.secrets.areEqual(info.fields, config, row.config);
  }

  /** What was changed meanwhile may refer to secrets that this change knows nothing of. */
  #refuseIfChanged(row: SourceRow): void {
    const now = this.s.catalog.sources.byId(row.id);
    if (now && canonical(now.config) === canonical(row.config)) return;
    throw new SyncError("busy", "sync_source_changed", `"${row.name}" was changed at the same time`, {
      hint: "Look at it with `etiket-sync source show`, and give the change again.",
    });
  }

  #view(row: SourceRow): SourceView {
    return sourceView(this.s.catalog, row, this.backends.find((b) => b.identifier === row.backend));
  }

  #row(source: SourceRef): SourceRow {
    return findSource(this.s.catalog, source);
  }

  /** Where the source led. Secrets do not decide that: the new ones stand for old ones that cannot be opened any more. */
  async #placeBefore(info: BackendInfo, row: SourceRow, now: CheckedConfig): Promise<string> {
    const config = { ...row.config, ...secretsGiven(info.fields, now.config) };
    return placeOf(await planOf(this.s, { backend: row.backend, config }));
  }
}

/** The root or database that a configuration leads to. */
function placeOf(plan: SourcePlan | null): string {
  if (plan === null) return "";
  return plan.kind === "folder" ? plan.root : [plan.address ?? "", ...plan.watch_paths].join("\n");
}

/**
 * The secrets in a configuration that a user gave: no message quotes them from now on.
 * @throws SyncError `sync_source_config_error` for a reference to a secret, which is nobody's to give
 */
function takeNote(info: BackendInfo, given: Record<string, unknown>): Record<string, unknown> {
  const reference = Object.entries(given).find(([, value]) => isReference(value));
  if (!reference) return secretsGiven(info.fields, given);
  throw refused("sync_source_config_error", `"${reference[0]}": expected a value, not one that is sealed`);
}

function equalBesidesSecrets(
  { fields }: BackendInfo,
  a: Record<string, unknown>,
  b: Record<string, unknown>,
): boolean {
  return canonical(withoutSecrets(fields, a)) === canonical(withoutSecrets(fields, b));
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

function refused(code: string, message: string): SyncError {
  return new SyncError("usage", code, message);
}
