/** Processes of one state folder, found through their environment (Linux only). */

/** Pids of living processes that were started for this state folder. */
export function processesOf(home: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const env = Deno.readTextFileSync(`/proc/${name}/environ`).split("\0");
      const state = /^State:\s+(\S)/m.exec(Deno.readTextFileSync(`/proc/${name}/status`))?.[1];
      if (env.includes(`ETIKET_SYNC_HOME=${home}`) && state !== "Z") found.push(Number(name));
    } catch {
      // It is gone, or somebody else's.
    }
  }
  return found;
}

/** Waits until none is left. @throws Error when some are still there after 15 s */
export async function untilNoneIsLeft(home: string): Promise<void> {
  const end = Date.now() + 15_000;
  for (let left = processesOf(home); left.length > 0; left = processesOf(home)) {
    if (Date.now() > end) throw new Error(`processes ${left} outlived their agent`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
