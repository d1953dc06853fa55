/**
 * At rest with many files: processor time over a minute and resident memory of `serve`, beside syncthing on the same
 * folder (Linux). Both have seen every file before: `serve` has sent them to the embedded platform, syncthing has indexed
 * them; it gets no discovery, no relays and no other device.
 *
 * usage: deno run -A tests/bench/idle.ts [FILES = 100000] [SECONDS = 60]
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cpuSeconds, readText, run, tree } from "./measure.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const ONCE = fileURLToPath(new URL("once_to_store.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const PER_DATASET = 100;
/** Reader processes and other helpers of the first minutes are gone after this time, ms. */
const CALM = 40_000;

const [files = 100_000, seconds = 60] = Deno.args.map(Number);
const temp = await Deno.makeTempDir({ prefix: "bench_idle_" });
try {
  const root = join(temp, "data");
  for (let i = 0; i < files; i++) {
    const folder = join(root, `set ${Math.floor(i / PER_DATASET)}`);
    if (i % PER_DATASET === 0) {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(join(folder, "_QH_dataset_info.yaml"), "version: 0.1\n");
    }
    await Deno.writeTextFile(join(folder, `${i}.txt`), `${i}`);
  }
  const home = join(temp, "home");
  const deno = ["run", "-A", "--no-check", "--config", CONFIG];
  const first = await run(Deno.execPath(), [...deno, ONCE, home, root]);
  console.log(`${files} files: first sync ${first.seconds.toFixed(0)} s`);
  await atRest(
    "etiket-sync serve",
    Deno.execPath(),
    [...deno, MAIN, "serve", "--home", home, "--port", "0", "--quiet"],
  );

  const syncthing = await prepareSyncthing(join(temp, "syncthing"), root);
  await atRest("syncthing", "syncthing", syncthing.args, syncthing.isIdle);
} finally {
  await Deno.remove(temp, { recursive: true });
}

/** Starts a program, waits until it is at rest, and prints what it needs then. */
async function atRest(
  name: string,
  command: string,
  args: string[],
  isIdle: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  const child = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  try {
    await wait(2000);
    while (!await isIdle()) await wait(500);
    await wait(CALM);
    const cpu = () => tree(child.pid).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const before = cpu();
    await wait(seconds * 1000);
    const used = cpu() - before;
    const pids = tree(child.pid);
    const memory = pids.map(rssMiB);
    if (memory.every((mib) => mib === 0)) throw new Error(`${name} has ended`);
    console.log(
      `${name.padEnd(18)} CPU ${(100 * used / seconds).toFixed(2)} % (${
        used.toFixed(2)
      } s in ${seconds} s)  ` +
        `memory ${memory.map((mib) => `${mib.toFixed(0)} MiB`).join(" + ")}`,
    );
  } finally {
    // A supervisor would start its child again.
    for (const pid of tree(child.pid)) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await child.status;
  }
}

function rssMiB(pid: number): number {
  return Number(/VmRSS:\s*(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Writes a configuration that keeps to this computer. */
async function prepareSyncthing(home: string, root: string) {
  await run("syncthing", ["generate", `--home=${home}`, "--no-default-folder"]);
  const path = join(home, "config.xml");
  const port = freePort();
  let xml = await Deno.readTextFile(path);
  const set = (element: string, value: string) => {
    xml = xml.replaceAll(
      new RegExp(`<${element}>[^<]*</${element}>`, "g"),
      `<${element}>${value}</${element}>`,
    );
  };
  for (
    const off of [
      "globalAnnounceEnabled",
      "localAnnounceEnabled",
      "relaysEnabled",
      "natEnabled",
      "crashReportingEnabled",
      "startBrowser",
    ]
  ) set(off, "false");
  set("urAccepted", "-1");
  set("autoUpgradeIntervalH", "0");
  set("listenAddress", `tcp://127.0.0.1:${freePort()}`);
  xml = xml.replace(/<address>127\.0\.0\.1:\d+<\/address>/, `<address>127.0.0.1:${port}</address>`);
  xml = xml.replace(
    "</configuration>",
    `<folder id="bench" label="bench" path="${root}" type="sendonly" rescanIntervalS="3600" ` +
      `fsWatcherEnabled="true" fsWatcherDelayS="10"></folder></configuration>`,
  );
  await Deno.writeTextFile(path, xml);
  const key = /<apikey>([^<]+)<\/apikey>/.exec(xml)?.[1] ?? "";
  const status = z.object({ state: z.string(), globalFiles: z.number() });
  return {
    args: ["serve", `--home=${home}`, "--no-browser", "--no-restart", "--logfile=-"],
    async isIdle() {
      try {
        const reply = await fetch(`http://127.0.0.1:${port}/rest/db/status?folder=bench`, {
          headers: { "X-API-Key": key },
        });
        const { state, globalFiles } = status.parse(await reply.json());
        return state === "idle" && globalFiles >= files;
      } catch {
        return false;
      }
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
