/** The one source of qdrive's local database: made by itself where there is a database, never a second time. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import { nativeFolders } from "../../kit/native_places.ts";
import type { Services } from "../services.ts";

const NATIVE = "etiket_sync_agent_native";
const NAME = "QH datasets";
/** Fact that the user removed the source. */
const REMOVED = "native_source_removed";

const nativeSource = (catalog: Catalog) => catalog.sources.list().find((row) => row.backend === NATIVE);

type AddSource = (
  input: { name: string; backend: string; config: Record<string, unknown> },
) => Promise<unknown>;

/** Adds the source where there is a database at one of its usual places, unless the user removed it. */
export async function addNativeSource(s: Services, add: AddSource): Promise<void> {
  const { catalog } = s;
  if (nativeSource(catalog) || catalog.getFact(REMOVED) !== undefined || nativeFolders().length === 0) return;
  try {
    await add({ name: NAME, backend: NATIVE, config: {} });
  } catch (e) {
    const error = SyncError.from(e);
    if (error.class === "network" || error.class === "auth") throw e;
    s.log(`the source "${NAME}" was not made: ${error.message}`);
  }
}

/**
 * Uuid under which the native database has a measurement that another source found as well (4.1).
 * @throws SyncError when it cannot be told now, such as of class busy
 */
export async function nativeUuid(
  s: Services,
  source: SourceRow,
  altUid: string,
  scope: string,
): Promise<string | null> {
  const native = nativeSource(s.catalog);
  if (!native || native.id === source.id) return null;
  try {
    const { backend, config } = native;
    return (await s.readers.run("find_dataset", { backend, config, alt_uid: altUid, scope })).uuid;
  } catch (e) {
    // A database that is gone or too old says nothing about the measurements of others.
    if (SyncError.from(e).class !== "source") throw e;
    return null;
  }
}

/** @throws SyncError `sync_source_config_error` when there is such a source already */
export function refuseSecondNative(catalog: Catalog, backend: string): void {
  if (backend !== NATIVE) return;
  const known = nativeSource(catalog);
  if (!known) return;
  throw new SyncError(
    "usage",
    "sync_source_config_error",
    `there can be only one native source, and "${known.name}" is one`,
    {
      hint:
        `Change its folder instead: etiket-sync source update "${known.name}" --set data_directory=FOLDER`,
    },
  );
}

/** A source that the user removed is not made again. */
export function rememberRemoved(catalog: Catalog, backend: string): void {
  if (backend === NATIVE) catalog.setFact(REMOVED, "yes");
}
