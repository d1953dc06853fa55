/** Looks whether what stood in the agent's way is gone. */
import { join } from "node:path";
import type { Services } from "./services.ts";

/** As much as a probe writes: a disk that is full to the last byte may still take a few. */
const PROBE_BYTES = 1024 * 1024;

/**
 * Can the state folder be written to, and the catalog too?
 * @throws the system's error, or SyncError `catalog_unusable`
 */
export async function stateFolderProbe(s: Services): Promise<void> {
  const path = join(s.home.stagingDir, `probe-${s.env.uuid()}`);
  try {
    using file = await s.env.fs.open(path, { write: true, createNew: true, mode: 0o600 });
    const bytes = new Uint8Array(64 * 1024);
    for (let written = 0; written < PROBE_BYTES;) written += await file.write(bytes);
  } finally {
    await s.env.fs.remove(path).catch(() => {});
  }
  s.catalog.setFact("probe", String(s.env.now()));
}

/** Does the platform answer, and is the login good? @throws SyncError of class network, auth or platform */
export async function platformProbe(s: Services): Promise<void> {
  await s.client.me();
}
