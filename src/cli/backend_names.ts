/** Backends are accepted under their long, short and older names. */
import { didYouMean } from "../kit/did_you_mean.ts";
import { SyncError } from "../kit/errors.ts";
import type { BackendInfo } from "../readers/tasks.ts";

/** `etiket_sync_agent_qcodes` → `qcodes`. */
export function shortName(identifier: string): string {
  return identifier.replace(/^etiket_sync_agent_/, "");
}

/** Undefined when there is none: the engine then says so. */
export function backendNamed(name: string, backends: readonly BackendInfo[]): BackendInfo | undefined {
  const plain = (s: string) => shortName(s.toLowerCase()).replace(/[-_]/g, "");
  return backends.find((b) => [b.identifier, ...b.aliases].some((known) => plain(known) === plain(name)));
}

/** @throws SyncError `sync_source_backend_not_found` with the nearest name */
export function findBackend(name: string, backends: readonly BackendInfo[]): BackendInfo {
  const found = backendNamed(name, backends);
  if (found) return found;
  const known = backends.map((b) => shortName(b.identifier));
  const near = didYouMean(shortName(name), known);
  throw new SyncError("usage", "sync_source_backend_not_found", `there is no backend "${name}"`, {
    hint: near ? `Did you mean ${near}?` : `Known are: ${known.join(", ")}.`,
  });
}
