/** Looks whether what stood in the agent's way is gone. */
import { join } from "node:path";
import { SyncError } from "../kit/errors.ts";
import { ReplyError } from "../platform/errors.ts";
import type { Services } from "./services.ts";

/** What stands before a store says so when the store itself does not answer. */
const DOWN = [429, 502, 503, 504, 511];

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

/** Notices that the state folder was removed or replaced: what is written to the open catalog would then be lost. */
export class StateFolderGuard {
  readonly #place: string | undefined;

  constructor(private readonly s: Pick<Services, "env" | "home">) {
    this.#place = this.#look();
  }

  /** @throws SyncError local `state_folder_gone` */
  check(): void {
    if (this.#place === undefined || this.#look() === this.#place) return;
    throw new SyncError(
      "local",
      "state_folder_gone",
      `${this.s.home.root} was removed while the agent runs`,
      {
        hint: "Put the folder back, or start the agent anew: datasets are found again by their ids.",
      },
    );
  }

  /** Where the catalog lies on the disk; undefined when there is none. */
  #look(): string | undefined {
    try {
      const { dev, ino } = this.s.env.fs.statSync(this.s.home.catalogPath);
      return `${dev}:${ino}`;
    } catch {
      return undefined;
    }
  }
}

/**
 * Does a store answer, whatever it says? What it says to a request without a link is no sign of trouble.
 * @throws SyncError of class network
 */
export async function storeProbe(s: Services, origin: string): Promise<void> {
  try {
    const body = await s.client.download(`${origin}/`);
    await body.cancel();
  } catch (e) {
    if (e instanceof ReplyError && !DOWN.includes(e.status)) return;
    if (e instanceof SyncError && e.class === "network") e.endpoint = origin;
    throw e;
  }
}

/** Does the platform answer, and is the login good? @throws SyncError of class network, auth or platform */
export async function platformProbe(s: Services): Promise<void> {
  await s.client.me();
}
