/** The dataset and the scope of a replica, which have their identity before they are on the platform. */
import type { Replica } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Dataset } from "../../platform/client.ts";
import type { Services } from "../services.ts";

/**
 * Finds the dataset of a replica. Its scope comes with it: the embedded platform makes it, any other has it or refuses the
 * dataset.
 * @throws SyncError permission `scope_missing`
 */
export async function findReplica(
  s: Services,
  { uuid, scope }: Replica,
  altUid: string | null,
  dryRun: boolean,
): Promise<Dataset | null> {
  const found = await s.client.readDataset(uuid);
  if (found) return found;
  if (!await s.client.scope(scope.uuid)) {
    if (!s.ownsPlatform) throw scopeMissing(scope);
    if (!dryRun) await makeScope(s, scope);
    return null;
  }
  return altUid === null ? null : await s.client.readDatasetByAltUid(altUid, scope.uuid);
}

function scopeMissing({ name, uuid }: Replica["scope"]): SyncError {
  return new SyncError("permission", "scope_missing", `scope "${name}" (${uuid}) is not on the platform`, {
    hint: `Ask an administrator to make scope "${name}" with this uuid, or to let you into it.`,
  });
}

async function makeScope(s: Services, { uuid, name, description }: Replica["scope"]): Promise<void> {
  try {
    // The platform's names have 4 to 100 characters.
    await s.client.createScope({ uid: uuid, name: name.slice(0, 100).padEnd(4, "_"), description });
  } catch (e) {
    // Another item brings the same scope at the same time.
    if (!await s.client.scope(uuid)) throw e;
  }
}
