/** Rows of a catalog in which secrets are still in clear: written before they were sealed, or without their backend. */
import { SyncError } from "../../kit/errors.ts";
import type { BackendInfo } from "../../readers/tasks.ts";
import type { Services } from "../services.ts";
import { secretsGiven, type SourceSecrets } from "./source_secrets.ts";

/** Seals them; what fails is tried again at the next start. */
export async function sealStored(
  s: Pick<Services, "catalog" | "env" | "log">,
  backends: readonly BackendInfo[],
  secrets: SourceSecrets,
): Promise<void> {
  for (const row of s.catalog.sources.list()) {
    const fields = backends.find((b) => b.identifier === row.backend)?.fields ?? [];
    secretsGiven(fields, row.config);
    try {
      const config = await secrets.seal(fields, row.config);
      if (JSON.stringify(config) === JSON.stringify(row.config)) continue;
      s.catalog.overwriting(() => {
        s.catalog.sources.update(row.id, { config, sameData: true }, s.env.now());
      });
    } catch (e) {
      s.log(`the secrets of "${row.name}" could not be sealed: ${SyncError.from(e).message}`);
    }
  }
}
