/** One agent per state folder (L25): an OS lock that the system drops when the process dies, however it dies. */
import { SyncError } from "../kit/errors.ts";

export interface InstanceLock {
  release(): void;
}

/**
 * Takes the lock, or says who holds it.
 * @throws SyncError `agent_running` naming the holder's pid and start time
 */
export function takeLock(path: string): InstanceLock {
  const file = Deno.openSync(path, { read: true, write: true, create: true });
  if (!file.tryLockSync(true)) {
    file.close();
    const holder = readHolder(path);
    throw new SyncError(
      "usage",
      "agent_running",
      `another etiket-sync works on this state folder (${holder})`,
      {
        hint: "Wait for it or stop it, or give this one a state folder of its own with --home.",
      },
    );
  }
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(`pid ${Deno.pid}, started ${new Date().toISOString()}\n`));
  return {
    release() {
      file.truncateSync(0);
      file.unlockSync();
      file.close();
    },
  };
}

/** Whether some process holds the lock now; never takes it for longer than the look. */
export function lockHolder(path: string): string | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true, write: true });
  } catch {
    return undefined;
  }
  const free = file.tryLockSync(true);
  if (free) file.unlockSync();
  file.close();
  return free ? undefined : readHolder(path);
}

function readHolder(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim() || "just starting";
  } catch {
    return "unknown process";
  }
}
