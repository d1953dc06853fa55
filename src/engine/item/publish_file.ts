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
  const publication = new FilePublication(s, dataset, file, options);
  for (let round = 0; round < DECISIONS; round++) {
    const result = await publication.attempt();
    if (result) return result;
  }
  throw new SyncError(
    "busy",
    "file_contended",
    `"${file.name}" changes or is written by another agent all the time`,
    { hint: "It is tried again shortly." },
  );
}

class FilePublication {
  /** What the platform has of this file, as far as this run knows. */
  #remote: FileRecord[];
  #identity: Identity;
  /** Other agents had time to announce the version that they would choose. */
  #isSettled = false;

  constructor(
    private readonly s: Services,
    private readonly dataset: PublishedDataset,
    private readonly file: Candidate,
    private readonly options: PublishFileOptions,
  ) {
    const { version, name } = file;
    const isOfFile = (r: FileRecord) => version ? r.uuid === version.uuid : r.name === name;
    this.#remote = dataset.remote?.files.filter(isOfFile) ?? [];
    this.#identity = file.identity;
  }

  /** Decides, and does it. @returns undefined when what the decision was based on is another by now */
  async attempt(): Promise<FileResult | undefined> {
    const { s, dataset, file, options } = this;
    // A new file need not be read before it is sent; else its hashes decide whether and as what.
    if (!isRead(this.#identity) && hasOthers(s, dataset.uuid, file.name, this.#remote)) {
      this.#identity = (await file.freeze()).identity;
    }
    const decision = file.version
      ? decideOwnVersion(file.version, this.#remote)
      : decide(s, dataset.uuid, file, this.#identity, this.#remote);
    if (decision.action === "unchanged") return this.#unchanged(decision);
    const action = decision.action === "replace" ? "replaced" : "uploaded";
    if (options.dryRun) return this.#result(action, decision);
    if (!this.#isSettled && decision.action === "new" && decision.version_id !== Math.floor(file.created)) {
      // Its id is this agent's own choice: another one that saw the same change would choose another.
      this.#isSettled = true;
      const own = begun(s, dataset.uuid, file.name);
      this.#remote = await settledRecords(s, decision.file_uuid, own, options.signal);
      return undefined;
    }
    return await this.#send(action, decision);
  }

  #unchanged(decision: VersionDecision): FileResult {
    const { s, dataset, file } = this;
    // The bytes that were sent count: those of a re-packed file of equal content were not.
    const sent = s.catalog.fileVersions.ofName(dataset.uuid, file.name)
      .find((v) => isRead(v) && v.file_uuid === decision.file_uuid && v.version_id === decision.version_id);
    // Of a version that someone else sent, or a run that was forgotten, only the platform knows which bytes it has.
    const isTheseBytes = !file.version && this.#record(decision)?.md5_checksum === this.#identity.md5;
    if (!this.options.dryRun && (sent || isTheseBytes)) this.#remember(decision, true, sent);
    return this.#result("unchanged", decision);
  }

  /** @returns undefined when the file is another by now, or someone else secured a version meanwhile */
  async #send(action: "uploaded" | "replaced", decision: VersionDecision): Promise<FileResult | undefined> {
    const { s, file, options } = this;
    const isUnread = !isRead(this.#identity);
    const frozen = await (isUnread && file.open ? file.open() : file.freeze());
    const { sha256, size } = this.#identity;
    if (frozen.identity.sha256 !== sha256 || frozen.identity.size !== size) {
      // The file changed since its hashes were remembered: what counts are the frozen bytes.
      this.#identity = frozen.identity;
      return undefined;
    }
    this.#remember(decision, false);
    await s.catalog.noted();
    const job = this.#job(decision, frozen.snapshot);
    const outcome = await s.transfer.slots.run(
      options.sourceId,
      size,
      () => {
        options.onStart?.();
        return uploadVersion(job);
      },
      options.signal,
    );
    if (outcome.outcome !== "secured") {
      const { record } = outcome;
      const others = this.#remote.filter((r) => r.uuid !== record.uuid || r.version_id !== record.version_id);
      this.#remote = [...others, record];
      return undefined;
    }
    if (isUnread) {
      this.#identity = { ...this.#identity, ...outcome.hashes };
      const { source, fingerprint } = frozen.snapshot;
      s.catalog.hashes.put(source, fingerprintText(fingerprint), this.#identity, s.env.now());
    }
    this.#remember(decision, true);
    return this.#result(action, decision, outcome.notes);
  }

  #job(decision: VersionDecision, source: UploadJob["source"]): UploadJob {
    const { s, dataset, options, file: { version, name, filename, created, file_generator, ranking } } = this;
    const { size, type, content_md5 } = this.#identity;
    return {
      client: s.client,
      env: s.env,
      transfer: s.transfer,
      version: {
        name,
        filename,
        uuid: decision.file_uuid,
        version_id: decision.version_id,
        creator: version?.creator ?? options.creator,
        collected: version?.collected ?? isoFromMs(created),
        size,
        type,
        file_generator,
        ranking,
        ds_uuid: dataset.uuid,
      },
      existing: decision.create_record ? null : this.#record(decision) ?? null,
      source,
      // Of what a replica made the platform knows the plain md5 (F12).
      contentMd5: version ? null : content_md5,
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
      ...(options.onChecking ? { onChecking: options.onChecking } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    };
  }

  #record({ file_uuid, version_id }: VersionDecision): FileRecord | undefined {
    return this.#remote.find((r) => r.uuid === file_uuid && r.version_id === version_id);
  }

  #remember(
    { file_uuid, version_id }: VersionDecision,
    secured: boolean,
    bytes: Sent = this.#identity,
  ): void {
    const { s, dataset, file } = this;
    s.catalog.fileVersions.put({
      file_uuid,
      version_id,
      dataset_uuid: dataset.uuid,
      name: file.name,
      filename: file.filename,
      ...bytes,
      path: file.origin?.path ?? "",
      secured,
      updated: s.env.now(),
    });
  }

  #result(
    action: FileResult["action"],
    { file_uuid, version_id, reason }: VersionDecision,
    notes: string[] = [],
  ): FileResult {
    const identity = this.#identity;
    const bytes = action === "unchanged" ? 0 : identity.size;
    return { action, file_uuid, version_id, identity, bytes, reason, notes };
  }
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
    newUuid: fileUuid(dataset, file.name),
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
