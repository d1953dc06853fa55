/** Reads the bytes of a file version back from the platform, and knows what they are. */
import type { FileRecord, PlatformClient } from "../../platform/client.ts";
import { Hasher, type Hashes } from "../../transfer/hash.ts";
import { SyncError } from "../../kit/errors.ts";

/**
 * Streams one secured version through its hashes.
 * @param write receives the bytes in order, for those who want to keep them
 * @throws SyncError `no_download_link`, or of class network, permission or platform
 */
export async function readBack(
  client: Pick<PlatformClient, "download">,
  record: Pick<FileRecord, "name" | "version_id" | "S3_link">,
  options: { write?: (bytes: Uint8Array) => Promise<void>; signal?: AbortSignal } = {},
): Promise<Hashes & { size: number }> {
  if (!record.S3_link) {
    throw new SyncError(
      "platform",
      "no_download_link",
      `the platform gives no link to read "${record.name}" version ${record.version_id}`,
      {
        hint:
          "Its bytes never arrived there, or its store is not reachable: ask the platform's administrator.",
      },
    );
  }
  const hasher = new Hasher();
  for await (const bytes of await client.download(record.S3_link, undefined, options.signal)) {
    hasher.update(bytes);
    await options.write?.(bytes);
  }
  return { size: hasher.size, ...hasher.digest() };
}
