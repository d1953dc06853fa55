/**
 * Many small files, one large one, and nothing new: `once` against rclone, both with checksums on, into the same real S3
 * server (versitygw) and into a folder. The runs are interleaved, the ratios are those of the medians.
 *
 * `once` brings more about than rclone: a catalogue with a record of each file, an announcement before and a look after
 * each upload, all of it on disk at the end. rclone syncs nothing to disk, the S3 server does what it does for both: the
 * folder is compared with rclone once more, then with a `sync` of its file system behind it.
 *
 * usage: deno run -A tests/bench/small_files.ts [FILES = 20000] [ROUNDS = 3] [MIB of the large file = 1024]
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { S3StoreOptions } from "../../src/hub/s3/store_options.ts";
import { startS3Server } from "../s3_server.ts";
import { type Measured, median, run } from "./measure.ts";

const ONCE = fileURLToPath(new URL("once_to_store.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const SMALL = 4096;
/** Our own notes, which `once` does not upload. */
const NOT_OURS = ["--exclude=.QH_manifest.yaml", "--exclude=_QH_dataset_info.yaml"];
const PER_DATASET = 100;
const Report = z.object({ files_uploaded: z.number() });

const [files = 20_000, rounds = 3, large = 1024] = Deno.args.map(Number);
const temp = await Deno.makeTempDir({ prefix: "bench_small_" });
const server = await startS3Server();
try {
  const small = join(temp, "small");
  for (let i = 0; i < files / PER_DATASET; i++) {
    const count = Math.min(PER_DATASET, files - i * PER_DATASET);
    await makeDataset(join(small, `set ${i}`), count, SMALL);
  }
  const one = join(temp, "large");
  if (large > 0) await makeDataset(join(one, "set"), 1, large * 1024 * 1024);

  const targets = [...(server ? [server.store] : []), undefined];
  for (const store of targets) {
    const where = store ? "S3 server" : "folder";
    await compare(`${files} x 4 KiB to the ${where}`, `${files} unchanged, ${where}`, small, files, store);
    if (large > 0) await compare(`${large} MiB to the ${where}`, `unchanged, ${where}`, one, 1, store);
  }
} finally {
  await server?.stop();
  await Deno.remove(temp, { recursive: true });
}

/** Copies `root` to fresh places, then once more when nothing is new. */
async function compare(
  title: string,
  unchanged: string,
  root: string,
  count: number,
  store?: S3StoreOptions,
): Promise<void> {
  const results = new Map<string, Measured[]>();
  const note = (name: string, result: Measured) => results.set(name, [...results.get(name) ?? [], result]);
  for (let round = 0; round < rounds; round++) {
    const place = join(temp, `round-${round}`);
    await Deno.mkdir(place);
    const ours = async () => {
      const home = join(place, "home");
      for (const dataset of Deno.readDirSync(root)) {
        await Deno.remove(join(root, dataset.name, ".QH_manifest.yaml")).catch(() => {});
      }
      note("once", await once(home, root, count, store));
      note("once, again", await once(home, root, 0, store));
    };
    const theirs = async () => {
      for (const transfers of [4, 16]) {
        const to = store ? `s3:${store.bucket}/rclone-${transfers}` : join(place, `rclone-${transfers}`);
        const args = [root, to, `--transfers=${transfers}`, `--checkers=${transfers}`];
        note(`rclone ${transfers}`, await rclone(args, store));
        if (!store) {
          const copy = ["copy", "--config=/dev/null", ...NOT_OURS, root, `${to}-on-disk`, ...args.slice(2)];
          const script = 'rclone "$@" && sync -f "$0"';
          note(`rclone ${transfers}, on disk`, await run("bash", ["-c", script, place, ...copy]));
        }
        if (transfers === 4) {
          note("rclone 4, again by time", await rclone(args, store));
          note("rclone 4, again by sum", await rclone([...args, "--checksum"], store));
        }
      }
    };
    for (const work of round % 2 ? [theirs, ours] : [ours, theirs]) await work();
    await Deno.remove(place, { recursive: true });
    if (server) await empty(server.folder);
  }
  const middle = (name: string) => median((results.get(name) ?? []).map((r) => r.seconds));
  const best = (names: string[]) => Math.min(...names.map(middle));
  console.log(title);
  for (const name of ["once", "rclone 4", "rclone 16", "rclone 4, on disk", "rclone 16, on disk"]) {
    if (results.has(name)) print(name, results.get(name) ?? [], middle("once"));
  }
  const again = ["rclone 4, again by time", "rclone 4, again by sum"];
  console.log(
    `${unchanged}  (${(best(again) / middle("once, again")).toFixed(2)} x the faster way of rclone)`,
  );
  for (const name of ["once, again", ...again]) print(name, results.get(name) ?? [], middle("once, again"));
}

function print(name: string, results: readonly Measured[], ours: number): void {
  const of = (key: "seconds" | "cpu_seconds" | "peak_mib") => median(results.map((r) => r[key]));
  const ratio = name.startsWith("once") ? "" : `  once is ${(of("seconds") / ours).toFixed(2)} x as fast`;
  console.log(
    `  ${name.padEnd(24)}${of("seconds").toFixed(2).padStart(8)} s  CPU ${of("cpu_seconds").toFixed(2)} s  ` +
      `peak ${of("peak_mib").toFixed(0)} MiB${ratio}`,
  );
}

async function once(home: string, root: string, expected: number, store?: S3StoreOptions): Promise<Measured> {
  const args = [ONCE, home, root, ...(store ? [JSON.stringify(store)] : [])];
  const result = await run(Deno.execPath(), ["run", "-A", "--no-check", "--config", CONFIG, ...args]);
  const { files_uploaded } = Report.parse(JSON.parse(result.stdout));
  if (files_uploaded !== expected) throw new Error(`${files_uploaded} files were uploaded, not ${expected}`);
  return result;
}

/** With checksums on, which is the default: every copied file is compared by md5. */
async function rclone(args: string[], store?: S3StoreOptions): Promise<Measured> {
  const s3 = store && {
    RCLONE_CONFIG_S3_TYPE: "s3",
    RCLONE_CONFIG_S3_PROVIDER: "Other",
    RCLONE_CONFIG_S3_ENDPOINT: store.endpoint,
    RCLONE_CONFIG_S3_REGION: store.region ?? "us-east-1",
    RCLONE_CONFIG_S3_ACCESS_KEY_ID: store.accessKeyId,
    RCLONE_CONFIG_S3_SECRET_ACCESS_KEY: store.secretAccessKey,
    RCLONE_CONFIG_S3_NO_CHECK_BUCKET: "true",
    // rclone 1.60 cannot load extra certificates together with its own transport.
    AWS_CA_BUNDLE: "",
  };
  // This server never says "100 Continue": rclone would wait a second for it at each part.
  const quick = ["--config=/dev/null", "--expect-continue-timeout=0"];
  return await run("rclone", ["copy", ...quick, ...NOT_OURS, ...args], s3 ?? {});
}

async function makeDataset(folder: string, count: number, size: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "_QH_dataset_info.yaml"), "version: 0.1\n");
  const block = new Uint8Array(Math.min(size, 1024 * 1024));
  for (let i = 0; i < count; i++) {
    using file = await Deno.create(join(folder, `${i}.bin`));
    for (let written = 0; written < size; written += block.length) {
      for (let at = 0; at < block.length; at += 65_536) {
        crypto.getRandomValues(block.subarray(at, at + 65_536));
      }
      await file.write(block);
    }
  }
}

async function empty(folder: string): Promise<void> {
  for (const { name } of [...Deno.readDirSync(folder)]) {
    await Deno.remove(join(folder, name), { recursive: true });
  }
}
