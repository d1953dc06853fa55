/**
 * How soon `serve` has a change on the platform: prints figures, judges nothing. `deno run -A tests/bench/latency.ts [part]`
 * with the parts `change`, `server`, `small`, `burst`; all by default.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../src/cli/test_cli.ts";
import { writeQuiet } from "../agent_process.ts";
import { sourcesToml } from "../faults/every_source.ts";
import { itemStates, onCatalog, ServingAgent } from "../faults/serving_agent.ts";

const CHANGES = Number(Deno.env.get("CHANGES") ?? 50);
const BURST = 5000;
const GIB = 1024 ** 3;
const INFO = "_QH_dataset_info.yaml";
/** A file whose time lies in the past need not settle: what is measured is the agent, not the rule of two quiet seconds. */
const QUIET = 1_700_000_000;

interface Bench {
  agent: ServingAgent;
  home: string;
  /** Folder of a source. */
  root(source: string): string;
}

/** An agent with sources of dataset folders below a temporary folder, with one synchronized dataset each. */
async function withAgent(
  sources: { name: string; server?: boolean }[],
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "latency_" }));
  const home = join(dir, "home");
  const root = (source: string) => join(dir, source);
  try {
    await Deno.mkdir(home);
    for (const { name } of sources) await dataset(join(root(name), "first"), 1);
    await Deno.writeTextFile(
      join(home, "config.toml"),
      sourcesToml(sources.map(({ name, server = false }) => ({
        name,
        backend: "folderbase",
        config: { root_directory: root(name), is_server_folder: server },
      }))),
    );
    await using agent = ServingAgent.start(home);
    await agent.untilItemsAre(sources.length, "done");
    await work({ agent, home, root });
    await agent.stop();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function dataset(folder: string, content: number): Promise<void> {
  await writeQuiet(join(folder, "data.txt"), `value ${content}\n`, QUIET + content);
  await writeQuiet(join(folder, INFO), "", QUIET);
}

/** Secured versions of all files of a dataset on the embedded platform, by a look into the catalog. */
function versions(home: string, identifier: string): number {
  return onCatalog(home, (db) =>
    Number(
      db.prepare(
        `SELECT count(*) AS n FROM file_versions v JOIN items i ON i.dataset_uuid = v.dataset_uuid
         WHERE i.identifier = ? AND v.secured = 1`,
      ).get(identifier)?.n,
    )) ?? 0;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const done = (home: string) => itemStates(home).get("done") ?? 0;

/** New datasets, and new contents of a file, each timed from the end of writing to the platform. */
async function changes(bench: Bench, source: string, count: number): Promise<void> {
  const { home, root } = bench;
  const [fresh, changed]: [number[], number[]] = [[], []];
  for (let n = 1; n <= count; n++) {
    const name = `run ${n}`;
    await dataset(join(root(source), name), n);
    let start = performance.now();
    await until(() => versions(home, name) === 1);
    fresh.push(performance.now() - start);
    await writeQuiet(join(root(source), name, "data.txt"), `changed ${n}\n`, QUIET + 1000 + n);
    start = performance.now();
    await until(() => versions(home, name) === 2);
    changed.push(performance.now() - start);
  }
  print(`${source}: new dataset`, fresh);
  print(`${source}: changed file`, changed);
}

function print(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0);
  console.log(`${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms (${times.length} times)`);
}

/** A small dataset of one source while a large file of another one is under way. */
async function smallBesideLarge({ home, root }: Bench): Promise<void> {
  const large = join(root("large"), "large run");
  await Deno.mkdir(large);
  using file = await Deno.open(join(large, "raw.bin"), { write: true, create: true });
  await file.truncate(5 * GIB);
  await Deno.utime(join(large, "raw.bin"), QUIET, QUIET);
  await writeQuiet(join(large, INFO), "", QUIET);
  const begun = performance.now();
  await until(() => (itemStates(home).get("running") ?? 0) > 0);
  const times: number[] = [];
  for (let n = 1; n <= 10 && (itemStates(home).get("running") ?? 0) > 0; n++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await dataset(join(root("small"), `small ${n}`), n);
    const start = performance.now();
    await until(() => versions(home, `small ${n}`) === 1);
    times.push(performance.now() - start);
  }
  print("new small dataset while another source sends 5 GiB", times);
  await until(() => versions(home, "large run") === 1);
  console.log(`the 5 GiB: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

/** Files that are made as fast as the disk allows, in folders that are new themselves. */
async function burst({ home, root }: Bench): Promise<void> {
  const start = performance.now();
  for (let n = 0; n < BURST; n++) {
    const folder = join(
      root("burst"),
      `day ${n % 7}`,
      `set ${Math.floor(n / 100)}`,
      `run ${Math.floor(n / 10)}`,
    );
    if (n % 10 === 0 || !existsSync(folder)) Deno.mkdirSync(folder, { recursive: true });
    const path = join(folder, `file ${n}.txt`);
    Deno.writeTextFileSync(path, `${n}`);
    Deno.utimeSync(path, QUIET, QUIET);
    if (n % 10 === 0 || !existsSync(join(folder, INFO))) {
      Deno.writeTextFileSync(join(folder, INFO), "");
      Deno.utimeSync(join(folder, INFO), QUIET, QUIET);
    }
  }
  const written = performance.now();
  console.log(`${BURST} files written in ${Math.round(written - start)} ms`);
  const files = () =>
    onCatalog(
      home,
      (db) => Number(db.prepare("SELECT count(*) AS n FROM file_versions WHERE secured = 1").get()?.n),
    ) ?? 0;
  const first = performance.now();
  await until(() => files() >= BURST + 1 || performance.now() - first > 300_000);
  console.log(
    `${files() - 1} of ${BURST} files on the platform ${
      ((performance.now() - written) / 1000).toFixed(1)
    } s after the ` +
      `last was written, in ${done(home)} datasets`,
  );
}

const PARTS: Record<string, () => Promise<void>> = {
  change: () => withAgent([{ name: "local" }], (bench) => changes(bench, "local", CHANGES)),
  server: () => withAgent([{ name: "server", server: true }], (bench) => changes(bench, "server", 3)),
  small: () => withAgent([{ name: "large" }, { name: "small" }], smallBesideLarge),
  burst: () => withAgent([{ name: "burst" }], burst),
};

if (import.meta.main) {
  Deno.chdir(REPOSITORY);
  for (const part of Deno.args.length > 0 ? Deno.args : Object.keys(PARTS)) await PARTS[part]?.();
}
