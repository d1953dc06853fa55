/** Turns a stored source into one that can be worked with. */
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import type { BackendInfo, SourcePlan } from "../../readers/tasks.ts";
import type { ReadySource, Services } from "../services.ts";
import { namingSource } from "./source_secrets.ts";

/**
 * Finds a backend by its long, short or alias name, without regard to case.
 * @throws SyncError `sync_source_backend_not_found`
 */
export async function findBackend(s: Pick<Services, "registry">, name: string): Promise<BackendInfo> {
  const wanted = name.toLowerCase();
  const { backends } = await s.registry();
  const hit = backends.find((b) =>
    [b.identifier, shortName(b.identifier), ...b.aliases].some((n) => n.toLowerCase() === wanted)
  );
  if (hit) return hit;
  throw new SyncError("usage", "sync_source_backend_not_found", `there is no backend "${name}"`, {
    hint: `Installed: ${backends.map((b) => shortName(b.identifier)).join(", ")}.`,
  });
}

/** `etiket_sync_agent_qcodes` → `qcodes`. */
export function shortName(identifier: string): string {
  return identifier.replace(/^etiket_sync_agent_/, "");
}

/**
 * Where a stored configuration leads, also while that place cannot be reached; null when its backend does not understand
 * it any more.
 */
export async function planOf(
  s: Pick<Services, "readers">,
  { backend, config }: Pick<SourceRow, "backend" | "config">,
): Promise<SourcePlan | null> {
  return (await s.readers.run("resolve", { backend, config, unvalidated: true })).plan;
}

/**
 * Lets the backend check the configuration and say how to look at the source.
 * @throws SyncError `backend_missing`, `sync_source_config_error`, `secret_lost` or `secret_locked` of class source
 */
export async function resolveSource(s: Services, row: SourceRow): Promise<ReadySource> {
  let info: BackendInfo;
  try {
    info = await findBackend(s, row.backend);
  } catch (cause) {
    throw new SyncError(
      "source",
      "backend_missing",
      `backend ${row.backend} of "${row.name}" is not installed`,
      {
        cause,
        hint: "Install it again, or remove the source.",
      },
    );
  }
  const { problems, config, plan } = await s.readers.run("resolve", {
    backend: info.identifier,
    config: row.config,
  }, { owner: row.id }).catch((e) => {
    throw namingSource(e, row.name);
  });
  if (problems.length > 0 || !plan || !config) {
    throw new SyncError("source", "sync_source_config_error", `"${row.name}": ${problems.join("; ")}`, {
      hint: `Correct it with: etiket-sync source update "${row.name}" --set KEY=VALUE`,
    });
  }
  return { row, info, config, plan };
}
