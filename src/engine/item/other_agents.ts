/**
 * Another agent at the same file: what it is sending is waited for, so that content that both have seen does not arrive
 * twice (L26), and nobody writes into the other's version (F8).
 */
import type { FileRecord } from "../../platform/client.ts";
import { instantOf } from "../../platform/schemas.ts";
import type { Services } from "../services.ts";

/** A version that nothing happened to for this long is not waited for, ms. */
const AT_WORK_MS = 60_000;
const LOOKS = 10;
const PAUSE_MS = 1000;

/**
 * All versions of a file as the platform has them now, once no other agent is sending one any more; ten seconds at most.
 * @param own versions that this agent has begun
 */
export async function settledRecords(
  { client, env }: Services,
  uuid: string,
  own: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<FileRecord[]> {
  const isOthers = (r: FileRecord) => r.status !== "secured" && !own.has(r.version_id);
  const isAtWork = (r: FileRecord) => {
    const touched = instantOf(r.modified ?? r.created);
    return touched !== null && client.platformNow() - touched < AT_WORK_MS;
  };
  for (let look = 1;; look++) {
    const records = await client.readFileVersions(uuid);
    if (look === LOOKS || !records.some((r) => isOthers(r) && isAtWork(r))) return records;
    await env.sleep(PAUSE_MS, signal);
  }
}
