/** The sources that the configuration file and this computer ask for. */
import { SyncError } from "../../kit/errors.ts";
import type { Services } from "../services.ts";
import type { Settings } from "../settings.ts";
import { addNativeSource } from "./native_source.ts";
import type { SourceService } from "./source_service.ts";

/**
 * Creates or updates them.
 * @param patient a platform that cannot be reached, or asks for a log-in, is waited for: what needs it is left out
 * @returns why something was left out, or undefined
 * @throws SyncError what is wrong with a source
 */
export async function provision(
  s: Services,
  sources: SourceService,
  wanted: Settings["sources"],
  patient: boolean,
): Promise<SyncError | undefined> {
  let missing: SyncError | undefined;
  const attempt = async (work: Promise<void>) => {
    try {
      await work;
    } catch (e) {
      const error = SyncError.from(e);
      if (!patient || !["network", "auth"].includes(error.class)) throw e;
      missing ??= error;
    }
  };
  for (const source of wanted) await attempt(provisionOne(s, sources, source));
  await attempt(addNativeSource(s, (input) => sources.add(input)));
  return missing;
}

async function provisionOne(
  s: Services,
  sources: SourceService,
  { name, backend, config, scope, autoassign }: Settings["sources"][number],
): Promise<void> {
  const given = {
    ...(scope === undefined ? {} : { scope }),
    ...(autoassign === undefined ? {} : { autoassign }),
  };
  if (!s.catalog.sources.byName(name)) {
    await sources.add({ name, backend, config, ...given });
    return;
  }
  await sources.update(name, { config, ...given }).catch((e) => {
    // A password that cannot be opened is told by its source, and keeps no other one from working.
    if (!(e instanceof SyncError) || e.class !== "source" || !e.code.startsWith("secret_")) throw e;
  });
}
