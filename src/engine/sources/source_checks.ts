/** What is checked before a source is added or changed, in the order backend, configuration, name, scope (C2). */
import { realpathSync } from "node:fs";
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import type { BackendInfo, SourcePlan } from "../../readers/tasks.ts";
import { planOf } from "./resolve_source.ts";
import type { Services } from "../services.ts";

export interface CheckedConfig {
  /** With defaults filled in and absolute paths: what is stored. */
  config: Record<string, unknown>;
  plan: SourcePlan;
}

/** Lets the backend check a configuration. @throws SyncError `sync_source_config_error` with its sentences */
export async function checkConfig(
  s: Services,
  info: BackendInfo,
  raw: Record<string, unknown>,
): Promise<CheckedConfig> {
  const { problems, config, plan } = await s.readers.run("resolve", {
    backend: info.identifier,
    config: raw,
  });
  if (problems.length > 0 || !config || !plan) {
    throw configError(
      problems.join("; "),
      `See the fields with: etiket-sync backend show ${info.identifier}`,
    );
  }
  return { config, plan };
}

/** @throws SyncError `sync_source_name_invalid`, `sync_source_name_already_taken` */
export function checkName(s: Services, name: string): void {
  if (name.trim() === "" || name.length > 100) {
    throw new SyncError("usage", "sync_source_name_invalid", "a source's name has 1 to 100 characters");
  }
  if (s.catalog.sources.byName(name)) {
    throw new SyncError("usage", "sync_source_name_already_taken", `there is already a source "${name}"`);
  }
}

/** Whether the backend's policy on scopes is kept. @throws SyncError `sync_source_config_error` */
export function checkPolicy(info: BackendInfo, scope: string | null, auto: boolean): void {
  if (info.scope_policy === "DISABLED" && scope !== null) {
    throw configError(`${info.display_name} decides on scopes itself: default_scope is not accepted`);
  }
  if (info.scope_policy === "REQUIRED" && scope === null && !(auto && info.supports_scope_mapping)) {
    throw configError(`${info.display_name} needs a default_scope`, "Give it with --scope NAME.");
  }
}

/**
 * Refuses a root that touches another source's, and a database that another source reads (D17).
 * @throws SyncError `sync_source_config_error`
 */
export async function checkOverlap(s: Services, plan: SourcePlan, self?: SourceRow): Promise<void> {
  for (const row of s.catalog.sources.list()) {
    if (row.id === self?.id) continue;
    const other = await planOf(s, row).catch(() => null);
    if (!other) continue;
    if (plan.kind === "folder" && other.kind === "folder" && overlaps(plan.root, other.root)) {
      throw configError(`${plan.root} has an overlap with "${row.name}" (${other.root})`);
    }
    if (plan.kind === "database" && other.kind === "database") {
      const theirs = new Set(other.watch_paths.map(real));
      const shared = plan.watch_paths.map(real).find((p) => theirs.has(p));
      if (shared) throw configError(`${shared} is already used by "${row.name}"`);
      if (plan.address !== undefined && plan.address === other.address) {
        throw configError(`the same database (${plan.address}) is already used by "${row.name}"`);
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

function configError(message: string, hint = ""): SyncError {
  return new SyncError("usage", "sync_source_config_error", message, { hint });
}
