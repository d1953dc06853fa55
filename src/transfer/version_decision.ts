/** Which version of a file to upload, if any: behaviour 5.2, rules F1, F2, F3, F8. Pure. */
import { type FileRecord, instantOf } from "../platform/schemas.ts";

/** What is known about some bytes, lower-case hex; null = not known or not applicable. */
export interface ContentIdentity {
  md5: string | null;
  sha256: string | null;
  /** Content md5 (F11), netCDF only. */
  content_md5: string | null;
  /** Deep hash (F13), netCDF only. */
  deep_sha256: string | null;
}

/** A version that this agent knows from its catalog (or the native database). */
export interface LocalVersion extends ContentIdentity {
  /** ms since 1970 UTC. */
  version_id: number;
  /** False when its file is no longer on this disk, so that nothing can be compared. */
  present: boolean;
}

export type RemoteVersion = Pick<
  FileRecord,
  "uuid" | "version_id" | "status" | "md5_checksum" | "immutable" | "modified" | "created"
>;

export interface VersionInput {
  /** Candidate id: the file's own time, ms since 1970 UTC (F2). */
  candidate: number;
  /** The platform's time, ms since 1970 UTC. */
  now: number;
  content: ContentIdentity;
  /** Known versions of this logical name; any order. */
  local: readonly LocalVersion[];
  remote: readonly RemoteVersion[];
  /** Versions this agent has begun to upload. */
  journal: readonly { uuid: string; version_id: number }[];
  /** File uuid of the local record, which wins over the remote one (F1). */
  localUuid: string | null;
  /** A fresh v4 uuid, used when no side has one. */
  newUuid: string;
}

export interface VersionDecision {
  /** `unchanged`: nothing to send; `replace`: upload over secured, mutable bytes. */
  action: "unchanged" | "upload" | "replace" | "new";
  version_id: number;
  file_uuid: string;
  /** The platform has no record for this version yet. */
  create_record: boolean;
  /** For the sync record and `why`. */
  reason: string;
}

/** Nothing happened to a pending record for this long: whoever began it is gone (F8). */
const ABANDONED_MS = 3_600_000;

type Standing = "empty" | "match" | "mismatch";

/**
 * True when both are the same content (F3): equal bytes, or equal netCDF content as far as both sides' hashes tell.
 */
export function sameContent(a: ContentIdentity, b: ContentIdentity): boolean {
  const equal = (x: string | null, y: string | null) => x !== null && x === y;
  if (equal(a.md5, b.md5) || equal(a.sha256, b.sha256)) return true;
  if (!equal(a.content_md5, b.content_md5)) return false;
  return a.deep_sha256 === null || b.deep_sha256 === null || a.deep_sha256 === b.deep_sha256;
}

function localStanding(version: LocalVersion | undefined, content: ContentIdentity): Standing {
  if (!version) return "empty";
  return !version.present || sameContent(version, content) ? "match" : "mismatch";
}

/** The platform keeps one md5 per version, plain or content; which one it is cannot be seen. */
function remoteHolds(record: RemoteVersion, content: ContentIdentity): boolean {
  const md5 = record.md5_checksum;
  return md5 !== null && (md5 === content.md5 || md5 === content.content_md5);
}

function remoteStanding(record: RemoteVersion | undefined, content: ContentIdentity): Standing {
  if (!record) return "empty";
  if (record.status !== "secured" || remoteHolds(record, content)) return "match";
  return record.md5_checksum !== null && !record.immutable ? "match" : "mismatch";
}

/**
 * Now, to the second, ms from the content: two agents that see the same change at once mostly choose the same id, of
 * which the platform takes one only (L26). Never later than now.
 */
function sharedInstant(now: number, { content_md5, md5 }: ContentIdentity): number {
  const ms = parseInt((content_md5 ?? md5 ?? "").slice(0, 8), 16) % 1000 || 0;
  return Math.floor((now - ms) / 1000) * 1000 + ms;
}

/** Decides what to do with a file whose content and candidate id are given. */
export function decideVersion(input: VersionInput): VersionDecision {
  const { content, now } = input;
  const candidate = Math.floor(input.candidate);
  const isUsable = (r: RemoteVersion) => {
    if (r.status === "secured" || r.version_id === candidate) return true;
    if (input.journal.some((j) => j.uuid === r.uuid && j.version_id === r.version_id)) return true;
    const touched = instantOf(r.modified ?? r.created);
    return touched !== null && now - touched >= ABANDONED_MS;
  };
  const usable = input.remote.filter(isUsable);
  const localAt = (id: number) => input.local.find((v) => v.version_id === id);
  // Should two files share a name and an id, the one this agent knows is meant.
  const remoteAt = (id: number) => {
    const there = usable.filter((r) => r.version_id === id);
    return there.find((r) => r.uuid === input.localUuid) ?? there[0];
  };
  const newest = <T extends { version_id: number }>(versions: readonly T[]) =>
    versions.reduce<T | null>((a, b) => a === null || b.version_id > a.version_id ? b : a, null);

  const fits = (id: number) => {
    const both = [localStanding(localAt(id), content), remoteStanding(remoteAt(id), content)];
    return !both.includes("mismatch") && both.includes("match");
  };
  const use = (id: number, which: string): VersionDecision => {
    const record = remoteAt(id);
    const file_uuid = record?.uuid ?? input.localUuid ?? newest(input.remote)?.uuid ?? input.newUuid;
    const base = { version_id: id, file_uuid, create_record: record === undefined };
    if (!record) return { ...base, action: "upload", reason: `${which} is not on the platform yet` };
    if (record.status !== "secured") {
      return { ...base, action: "upload", reason: `${which} was never finished` };
    }
    return remoteHolds(record, content)
      ? { ...base, action: "unchanged", reason: `${which} is secured with equal content` }
      : { ...base, action: "replace", reason: `${which} is secured, differs and may be replaced` };
  };

  if (fits(candidate)) return use(candidate, "the version of the file's time");
  const last = newest([...input.local, ...usable])?.version_id;
  if (last !== undefined && fits(last)) return use(last, "the newest version");

  // Ids of uploads that other machines have under way count here, so that ids keep rising.
  const largest = newest([...input.local, ...input.remote])?.version_id ?? -Infinity;
  const isGoodId = candidate > 0 && candidate <= now && candidate > largest;
  return {
    action: "new",
    version_id: isGoodId ? candidate : Math.max(sharedInstant(now, content), largest + 1),
    file_uuid: input.localUuid ?? newest(input.remote)?.uuid ?? input.newUuid,
    create_record: true,
    reason: largest === -Infinity ? "the first version" : "the content differs from the newest version",
  };
}
