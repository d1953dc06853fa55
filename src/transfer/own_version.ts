/** The decision about a version that has an identity of its own: there is little to decide. */
import type { RemoteVersion, VersionDecision } from "./version_decision.ts";

/** A version with an identity of its own is uploaded as what it is, unless the platform has it. */
export function decideOwnVersion(
  version: { uuid: string; version_id: number },
  remote: readonly RemoteVersion[],
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
