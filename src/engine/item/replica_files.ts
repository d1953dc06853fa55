/** File versions of a replica, and how its source hears which of them the platform has. */
import { basename } from "node:path";
import type { WriteBack } from "../../kit/define_backend.ts";
import type { DatasetDraft, FileDraft } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Dataset } from "../../platform/client.ts";
import { decideOwnVersion } from "../../transfer/own_version.ts";
import { type FileRun, uploadEntry } from "./file_run.ts";
import type { PublishedDataset } from "./publish_dataset.ts";
import type { ReadySource, Services } from "../services.ts";

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
  for (const { name, path, reason } of draft.skips ?? []) {
    if (name === undefined) continue;
    const file = { filename: basename(path), origin: { path, mtime_ms: null }, converter: null };
    run.recorder.upload(
      name,
      uploadEntry(s, file, { status: "OK", action: "skipped", skip_reason: reason }),
    );
  }
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
      const { reason } = decideOwnVersion(version, [own]);
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

/** Tells the source what the platform has; short, and not to be broken off half-way. @returns whether the source changed since it was read */
export async function writeBack(
  s: Services,
  source: ReadySource,
  item: { identifier: string },
  dataset: PublishedDataset,
  outcome: Omit<WriteBack, "metadata">,
): Promise<boolean> {
  const { moved } = await s.readers.run("write_back", {
    backend: source.info.identifier,
    config: source.config,
    item: { identifier: item.identifier, path: "" },
    outcome: { ...outcome, metadata: dataset.takenOver ?? {} },
  });
  return moved;
}
