/** The uuid of a file that no side knows yet. */
import { createHash } from "node:crypto";

/**
 * The same for all agents, so that two which send a file at the same moment send the same one (L26). It has the form of
 * a random uuid, version 4, which is what platforms expect.
 */
export function fileUuid(dataset: string, name: string): string {
  const digest = createHash("sha256").update(`${dataset.toLowerCase()}/${name}`).digest().subarray(0, 16);
  digest[6] = (digest[6] ?? 0) & 0x0f | 0x40;
  digest[8] = (digest[8] ?? 0) & 0x3f | 0x80;
  return digest.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
