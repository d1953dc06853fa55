/**
 * Sources that are local copies of the platform (replicas): metadata go both ways, versions have their identity already,
 * and the source is told what is on the platform.
 */
import type { TakenOver, WriteBack } from "../kit/define_backend.ts";
import type { DatasetDraft, FileDraft, Replica } from "../kit/drafts.ts";
import { SyncError } from "../kit/errors.ts";
import type { Dataset, FileRecord } from "../platform/client.ts";
import { instantOf } from "../platform/schemas.ts";
import type { VersionDecision } from "../transfer/version_decision.ts";
import { type FileRun, uploadEntry } from "./file_run.ts";
import { changesTo, type Merge, mergedMetadata } from "./merge.ts";
import { isSame, type Metadata, metadataSchema } from "./metadata.ts";
import type { PublishedDataset } from "./publish_dataset.ts";
import type { ReadySource, Services } from "./services.ts";

/** What both sides are to have; see {@link Merge} for what the platform is sent. */
export interface ReplicaMerge extends Merge {
  /** What the source is to take over. */
  takenOver: TakenOver;
  /** The base once both sides have it. */
  base: Metadata;
}

/**
 * Merges in both directions. Without a base the side that was changed later wins as a whole.
 * @param modified when the source changed, by the platform's clock, ms
 */
export function mergeReplica(
  base: Metadata | null,
  local: Metadata,
  remote: Dataset,
  modified: number,
): ReplicaMerge {
  const logs: Merge["logs"] = [];
  const theirs = metadataSchema.parse(remote);
  const isSourceLater = modified > (instantOf(remote.modified) ?? -Infinity);
  const merged = base !== null ? mergedMetadata(base, local, theirs, logs) : isSourceLater ? local : theirs;
  const changes = changesTo(merged, theirs, logs);
  const kept = { ...merged };
  // What the platform can't clear stays different, and known as a change of the source.
  for (const key of ["description", "notes", "attributes"] as const) {
    if (!(key in changes) && !isSame(merged[key], theirs[key])) {
      Object.assign(kept, { [key]: base?.[key] ?? theirs[key] });
    }
  }
  return { changes, logs, takenOver: takenOverBy(local, merged), base: kept };
}

function takenOverBy(local: Metadata, merged: Metadata): TakenOver {
  const { attributes, ...cells } = merged;
  const changed = Object.entries(cells).filter(([key, v]) => !isSame(v, local[key as keyof typeof cells]));
  const set = Object.entries(attributes).filter(([key, v]) => local.attributes[key] !== v);
  const gone = Object.keys(local.attributes).filter((key) => !(key in attributes)).map((key) => [key, null]);
  return {
    ...Object.fromEntries(changed),
    ...(set.length + gone.length > 0 ? { attributes: Object.fromEntries([...set, ...gone]) } : {}),
  };
}

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

/** A version with an identity of its own is uploaded as what it is, unless the platform has it. */
export function ownDecision(
  version: { uuid: string; version_id: number },
  remote: readonly FileRecord[],
): VersionDecision {
  const record = remote.find((r) => r.uuid === version.uuid && r.version_id === version.version_id);
  const isSecured = record?.status === "secured";
  return {
    action: isSecured ? "unchanged" : "upload",
    version_id: version.version_id,
    file_uuid: version.uuid,
    create_record: record === undefined,
    reason: isSecured
      ? "this version is on the platform"
      : record
      ? "this version was never finished"
      : "this version is not on the platform yet",
  };
}

/**
 * Deals with the versions whose bytes are not needed, because the platform has them, or can't be had.
 * @returns the files that are to be uploaded
 */
export function setAside(
  s: Services,
  draft: DatasetDraft,
  remote: Dataset | null,
  run: FileRun,
): FileDraft[] {
  return draft.files.filter((file) => {
    const { version } = file;
    if (!version) return true;
    const { uuid, version_id } = version;
    const own = remote?.files.find((r) => r.uuid === uuid && r.version_id === version_id);
    const entry = (rest: Parameters<typeof uploadEntry>[2]) =>
      run.recorder.upload(
        file.name,
        uploadEntry(s, { ...file, origin: { path: file.path, mtime_ms: null }, converter: null }, {
          file_uuid: uuid,
          version_id,
          ...rest,
        }),
      );
    if (own?.status === "secured") {
      const { reason } = ownDecision(version, [own]);
      entry({ status: "OK", action: "unchanged", md5: own.md5_checksum, size: own.size });
      run.plan.push({ name: file.name, action: "unchanged", version_id, reason });
      run.secured.push({ uuid, version_id });
      run.outcome.files_unchanged++;
      return false;
    }
    if (version.missing === undefined) return true;
    const what = `"${file.name}" (version ${version_id}): ${version.missing}`;
    entry({ action: "skipped", skip_reason: "file_missing", error: `file_missing: ${what}` });
    run.recorder.error(
      new SyncError("data", "file_missing", what, {
        retry: "later",
        hint: "Connect the drive that holds the file, or put it back; it is tried again by itself.",
      }).toData(),
    );
    run.plan.push({ name: file.name, action: "failed", version_id, reason: what });
    return false;
  });
}

/** Tells the source what the platform has. @returns whether the source changed since it was read */
export async function writeBack(
  s: Services,
  source: ReadySource,
  item: { identifier: string },
  dataset: PublishedDataset,
  outcome: Omit<WriteBack, "metadata">,
  signal?: AbortSignal,
): Promise<boolean> {
  const { moved } = await s.readers.run("write_back", {
    backend: source.info.identifier,
    config: source.config,
    item: { identifier: item.identifier, path: "" },
    outcome: { ...outcome, metadata: dataset.takenOver ?? {} },
  }, signal ? { signal } : {});
  return moved;
}
