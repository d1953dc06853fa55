/**
 * Discovery of a large folder source: the first scan, scans when nothing is new, and one new dataset; beside `find` with
 * sizes and times and `rclone lsf -R` and `rclone size` on the same tree. Each of our scans runs in a process of its own, so that
 * its memory is that of the scan.
 *
 * usage: deno run -A tests/bench/scan.ts [FOLDERS = 10000] [FILES per folder = 10]
 */
import { fileURLToPath } from "node:url";
import { DiscoverySandbox } from "../discovery_sandbox.ts";
import { run } from "./measure.ts";

const [first, ...rest] = Deno.args;
if (first === "__scan") await scan(rest[0] ?? "", rest[1] ?? "");
else await compare(Number(first ?? 10_000), Number(rest[0] ?? 10));

async function compare(folders: number, perFolder: number): Promise<void> {
  const temp = await Deno.makeTempDir({ prefix: "bench_scan_" });
  try {
    const root = `${temp}/data`;
    makeTree(root, folders, perFolder);
    const files = folders * perFolder;
    console.log(`${files} files in ${folders} datasets`);
    const self = fileURLToPath(import.meta.url);
    const seconds = new Map<string, number>();
    const report = (name: string, took: number, extra = "") => {
      seconds.set(name, took);
      const rate = Math.round(files / took);
      console.log(
        `${name.padEnd(28)} ${took.toFixed(2)} s  ${String(rate).padStart(8)} files/s${extra}`,
      );
    };
    for (const name of ["first scan", "second scan", "third scan"]) {
      const { stdout } = await run(Deno.execPath(), ["run", "-A", self, "__scan", root, temp]);
      const { seconds, rss, blocked, items } = JSON.parse(stdout);
      report(name, seconds, `  ${rss} MiB, loop blocked ≤ ${blocked} ms, ${items} items`);
    }
    report("find -printf", (await run("find", [root, "-printf", "%s %T@ %p\\n"])).seconds);
    report("rclone lsf -R", (await run("rclone", ["lsf", "-R", "--format", "pst", root])).seconds);
    report("rclone size", (await run("rclone", ["size", root])).seconds);
    for (const peer of ["find -printf", "rclone lsf -R", "rclone size"]) {
      const ratio = (seconds.get(peer) ?? NaN) / (seconds.get("third scan") ?? NaN);
      console.log(`unchanged scan against ${peer}: ${ratio.toFixed(2)} x as fast`);
    }
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
}

/** Datasets in days, as a measurement PC makes them; last changed a day ago. */
function makeTree(root: string, folders: number, perFolder: number): void {
  const yesterday = new Date(Date.now() - 86_400_000);
  for (let i = 0; i < folders; i++) {
    const folder = `${root}/2026-${String(Math.floor(i / 100)).padStart(4, "0")}/run ${i}`;
    Deno.mkdirSync(folder, { recursive: true });
    for (let f = 0; f < perFolder; f++) {
      const path = `${folder}/${f === 0 ? "_QH_dataset_info.yaml" : `measurement_${f}.dat`}`;
      Deno.writeTextFileSync(path, `${f}`);
      Deno.utimeSync(path, yesterday, yesterday);
    }
  }
  // Inodes that changed less than some seconds ago are looked at more closely.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
}

async function scan(root: string, temp: string): Promise<void> {
  const sandbox = new DiscoverySandbox(temp, { root });
  let [last, blocked] = [performance.now(), 0];
  const timer = setInterval(() => {
    blocked = Math.max(blocked, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const start = performance.now();
  await sandbox.discover();
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  const rss = Math.round(Deno.memoryUsage().rss / 2 ** 20);
  const items = sandbox.catalog.sources.counters(sandbox.id).total;
  console.log(JSON.stringify({ seconds, rss, blocked: Math.round(blocked), items }));
  sandbox.close();
}
