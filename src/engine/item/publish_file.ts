/** Brings one file of a dataset to the platform: which version, whether to send it, and that it arrived. */
import type { Identity } from "../../catalog/caches.ts";
import type { FileVersionRow } from "../../catalog/file_versions.ts";
import { SyncError } from "../../kit/errors.ts";
import { fingerprintText } from "../../kit/fingerprint.ts";
import type { FileRecord } from "../../platform/client.ts";
import { type UploadJob, uploadVersion } from "../../transfer/upload.ts";
import { decideOwnVersion } from "../../transfer/own_version.ts";
import { decideVersion, type VersionDecision } from "../../transfer/version_decision.ts";
import { type Candidate, isRead } from "./candidates.ts";
import { fileUuid } from "./file_uuid.ts";
import { settledRecords } from "./other_agents.ts";
import type { PublishedDataset } from "./publish_dataset.ts";
import type { Services } from "../services.ts";
import { isoFromMs } from "../../kit/time.ts";

export interface FileResult {
  action: "uploaded" | "unchanged" | "replaced";
  file_uuid: string;
  version_id: number;
  identity: Identity;
  bytes: number;
  reason: string;
  notes: string[];
}

export interface PublishFileOptions {
  dryRun: boolean;
  creator: string;
  /** For the turn that uploads take. */
  sourceId: number;
  signal?: AbortSignal;
  /** Its turn has come: bytes are about to be sent. */
  onStart?: () => void;
  onProgress?: (sent: number) => void;
  /** Bytes read again of what was sent before; null when that ended. */
  onChecking?: (read: number | null, size: number) => void;
}

/** What the catalog keeps of the bytes of a version. */
type Sent = Pick<FileVersionRow, "type" | "size" | "md5" | "sha256" | "content_md5" | "deep_sha256">;

/** Someone else may secure a version between the look and the upload; then the decision is made again (F4). */
const DECISIONS = 5;

/**
 * Decides, announces, uploads and verifies one file; its version is in the catalog before the platform hears of it.
 * @throws SyncError as reading, transfer and platform throw
 */
export async function publishFile(
  s: Services,
  dataset: PublishedDataset,
  file: Candidate,
  options: PublishFileOptions,
): Promise<FileResult> {
  const { version } = file;
  const isOfFile = (r: FileRecord) => version ? r.uuid === version.uuid : r.name === file.name;
  let remote: FileRecord[] = dataset.remote?.files.filter(isOfFile) ?? [];
  let identity = file.identity;
  const newUuid = fileUuid(dataset.uuid, file.name);
  let isSettled = false;

  for (let round = 0; round < DECISIONS; round++) {
    // A new file need not be read before it is sent; else its hashes decide whether and as what.
    if (!isRead(identity) && hasOthers(s, dataset.uuid, file.name, remote)) {
      identity = (await file.freeze()).identity;
    }
    const decision = version
      ? decideOwnVersion(version, remote)
      : decide(s, dataset.uuid, file, identity, remote, newUuid);
    const key = { file_uuid: decision.file_uuid, version_id: decision.version_id };
    const result = (action: FileResult["action"], notes: string[] = []): FileResult => ({
      action,
      ...key,
      identity,
      bytes: action === "unchanged" ? 0 : identity.size,
      reason: decision.reason,
      notes,
    });
    const remember = (secured: boolean, bytes: Sent = identity) =>
      s.catalog.fileVersions.put({
        ...key,
        dataset_uuid: dataset.uuid,
        name: file.name,
        filename: file.filename,
        ...bytes,
        path: file.origin?.path ?? "",
        secured,
        updated: s.env.now(),
      });
    if (decision.action === "unchanged") {
      // The bytes that were sent count: those of a re-packed file of equal content were not.
      const sent = s.catalog.fileVersions.ofName(dataset.uuid, file.name)
        .find((v) => isRead(v) && v.file_uuid === key.file_uuid && v.version_id === key.version_id);
      // Of a version that someone else sent, or a run that was forgotten, only the platform knows which bytes it has.
      const record = remote.find((r) => r.uuid === key.file_uuid && r.version_id === key.version_id);
      const isTheseBytes = !version && record?.md5_checksum === identity.md5;
      if (!options.dryRun && (sent || isTheseBytes)) remember(true, sent);
      return result("unchanged");
    }
    const action = decision.action === "replace" ? "replaced" : "uploaded";
    if (options.dryRun) return result(action);
    if (!isSettled && decision.action === "new" && decision.version_id !== Math.floor(file.created)) {
      // Its id is this agent's own choice: another one that saw the same change would choose another.
      isSettled = true;
      remote = await settledRecords(s, key.file_uuid, begun(s, dataset.uuid, file.name), options.signal);
      continue;
    }

    const isUnread = !isRead(identity);
    const frozen = await (isUnread && file.open ? file.open() : file.freeze());
    if (frozen.identity.sha256 !== identity.sha256 || frozen.identity.size !== identity.size) {
      // The file changed since its hashes were remembered: what counts are the frozen bytes.
      identity = frozen.identity;
      continue;
    }
    remember(false);
    await s.catalog.noted();
    const job: UploadJob = {
      client: s.client,
      env: s.env,
      transfer: s.transfer,
      version: {
        name: file.name,
        filename: file.filename,
        uuid: key.file_uuid,
        version_id: key.version_id,
        creator: version?.creator ?? options.creator,
        collected: version?.collected ?? isoFromMs(file.created),
        size: identity.size,
        type: identity.type,
        file_generator: file.file_generator,
        ranking: file.ranking,
        ds_uuid: dataset.uuid,
      },
      existing: decision.create_record
        ? null
        : remote.find((r) => r.uuid === key.file_uuid && r.version_id === key.version_id) ?? null,
      source: frozen.snapshot,
      // Of what a replica made the platform knows the plain md5 (F12).
      contentMd5: version ? null : identity.content_md5,
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
      ...(options.onChecking ? { onChecking: options.onChecking } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    };
    const outcome = await s.transfer.slots.run(
      options.sourceId,
      identity.size,
      () => {
        options.onStart?.();
        return uploadVersion(job);
      },
      options.signal,
    );
    if (outcome.outcome === "secured") {
      if (isUnread) {
        identity = { ...identity, ...outcome.hashes };
        const { source, fingerprint } = frozen.snapshot;
        s.catalog.hashes.put(source, fingerprintText(fingerprint), identity, s.env.now());
      }
      remember(true, identity);
      return result(action, outcome.notes);
    }
    remote = [
      ...remote.filter((r) => r.uuid !== outcome.record.uuid || r.version_id !== outcome.record.version_id),
      outcome.record,
    ];
  }
  throw new SyncError(
    "busy",
    "file_contended",
    `"${file.name}" changes or is written by another agent all the time`,
    {
      hint: "It is tried again shortly.",
    },
  );
}

/** Whether there are versions of this name to compare with, besides those that this agent began without reading them. */
function hasOthers(s: Services, dataset: string, name: string, remote: readonly FileRecord[]): boolean {
  const known = s.catalog.fileVersions.ofName(dataset, name);
  const isOwn = (r: FileRecord) =>
    r.status !== "secured" && known.some((v) => v.file_uuid === r.uuid && v.version_id === r.version_id);
  return known.some(isRead) || !remote.every(isOwn);
}

/** Versions that this agent has announced, or was about to, and not secured. */
function begun(s: Services, dataset: string, name: string): Set<number> {
  const known = s.catalog.fileVersions.ofName(dataset, name);
  return new Set(known.filter((v) => !v.secured).map((v) => v.version_id));
}

function decide(
  s: Services,
  dataset: string,
  file: Candidate,
  identity: Identity,
  remote: readonly FileRecord[],
  newUuid: string,
): VersionDecision {
  const known = s.catalog.fileVersions.ofName(dataset, file.name);
  const input = {
    candidate: file.created,
    now: s.client.platformNow(),
    content: isRead(identity) ? identity : { ...identity, md5: null, sha256: null },
    local: known.filter(isRead).map((v) => ({ ...v, present: true })),
    remote,
    journal: known.filter((v) => !v.secured).map((v) => ({ uuid: v.file_uuid, version_id: v.version_id })),
    localUuid: known.at(-1)?.file_uuid ?? null,
    newUuid,
  };
  const decision = decideVersion(input);
  if (decision.action === "unchanged") return decision;
  // What was announced and never arrived does not stand between the newest version and a file that equals it.
  const arrived = decideVersion({
    ...input,
    local: input.local.filter((v) => v.secured),
    remote: remote.filter((r) => r.status === "secured"),
  });
  return arrived.action === "unchanged" ? arrived : decision;
}
