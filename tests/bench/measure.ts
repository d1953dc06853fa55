/** Runs commands for benchmarks: wall time, CPU time and peak memory of the whole process tree (Linux, bash). */

export interface Measured {
  seconds: number;
  /** User and system time of the command and all its children. */
  cpu_seconds: number;
  /** Resident memory of the largest process of the tree. */
  peak_mib: number;
  stdout: string;
}

/** @throws Error when the command fails */
export async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Measured> {
  const times = await Deno.makeTempFile({ prefix: "bench_times_" });
  try {
    const start = performance.now();
    // What bash counts for `time` includes children that the command has waited for.
    const child = new Deno.Command("bash", {
      args: ["-c", `TIMEFORMAT="%U %S"; { time "$@" 2>&3; } 3>&2 2>"$0"`, times, command, ...args],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let peak = 0;
    const timer = setInterval(() => peak = Math.max(peak, ...tree(child.pid).map(residentMiB)), 200);
    const { success, stdout } = await child.output();
    const seconds = (performance.now() - start) / 1000;
    clearInterval(timer);
    if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
    const [user = 0, system = 0] = (await Deno.readTextFile(times)).split(" ").map(Number);
    return {
      seconds,
      cpu_seconds: user + system,
      peak_mib: peak,
      stdout: new TextDecoder().decode(stdout),
    };
  } finally {
    await Deno.remove(times);
  }
}

/** A process and all below it; any of its threads may have started them. */
export function tree(pid: number): number[] {
  const children = threads(pid).flatMap((thread) =>
    readText(`/proc/${pid}/task/${thread}/children`).split(" ").filter((p) => p.trim() !== "").map(Number)
  );
  return [pid, ...children.flatMap(tree)];
}

function threads(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** Largest resident memory so far. */
export function residentMiB(pid: number): number {
  return Number(/VmHWM:\s*(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** User and system time of one process so far, its threads included. */
export function cpuSeconds(pid: number): number {
  // Fields 14 and 15, counted behind the name, which may hold blanks. Linux counts 100 ticks a second.
  const fields = readText(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? sorted[middle] ?? NaN
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
