import { createHash } from "node:crypto";
import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../../tests/assert.ts";
import { Catalog } from "../../catalog/catalog.ts";
import { systemEnv } from "../../env.ts";
import { openHub } from "../../hub/open_hub.ts";
import type { DatasetDraft } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import { type Dataset, platformClient } from "../../platform/client.ts";
import type { Transport, TransportRequest } from "../../platform/transport.ts";
import { inProcessTransport } from "../../platform/transport_in_process.ts";
import { memoryTransfer } from "../../transfer/memory_transfer.ts";
import { type FileRun, RecordedError } from "./file_run.ts";
import { Freezer } from "./freeze.ts";
import { openHome } from "../home.ts";
import { type FileGroup, fileGroups } from "./prepare.ts";
import { publishFiles } from "./publish_files.ts";
import type { Services } from "../services.ts";
import { loadRecord, RunRecorder } from "./sync_record.ts";
import type { TaskNode } from "./task_log.ts";

const TIME = "2024-01-01T00:00:00.000000+00:00";

/** What a test does with a request before the hub gets it; may wait, or throw in place of the network. */
type OnRequest = (request: TransportRequest) => void | Promise<void>;

interface Bench {
  s: Services;
  recorder: RunRecorder;
  folder: string;
  /** Uuid of the dataset. */
  dataset: string;
  staging: string;
  /** Publishes files of the source folder, made when they have a size. */
  publish(files: { name: string; size: number | null }[], signal?: AbortSignal): Promise<void>;
  publishGroups(groups: AsyncIterable<FileGroup>, signal?: AbortSignal): Promise<void>;
  onPlatform(): Promise<Dataset["files"]>;
}

/** An empty dataset on a real embedded platform, and files for it. */
async function withBench(onRequest: OnRequest, test: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const home = openHome(join(folder, "home"));
  // Pauses between attempts are not what is tested here.
  const env = { ...systemEnv, sleep: () => Promise.resolve() };
  const hub = openHub({ directory: home.hubDir, env });
  const toHub = inProcessTransport((request) => hub.fetch(request));
  let isTested = false;
  const transport: Transport = {
    ...toHub,
    async send(request) {
      if (isTested) await onRequest(request);
      return await toHub.send(request);
    },
  };
  const client = platformClient({ transport, env });
  const catalog = Catalog.open(home.catalogPath);
  const s: Services = {
    env,
    home,
    catalog,
    client,
    readers: {
      run: () => Promise.reject(new SyncError("reader", "reader_crash", "there are no readers here")),
      close: () => Promise.resolve(),
    },
    transfer: memoryTransfer(),
    registry: () => Promise.resolve({ backends: [], converters: [], broken: [] }),
    ownsPlatform: true,
    machineId: "machine",
    version: "0",
    log() {},
    logOnce() {},
  };
  const uuid = crypto.randomUUID();
  const recorder = new RunRecorder(undefined, folder, 1, 1, () => TIME);
  const outcome: FileRun["outcome"] = {
    item: { source: "s", dataIdentifier: "i", datasetUUID: uuid, result: "skipped", reason: null },
    files_uploaded: 0,
    bytes_uploaded: 0,
    files_converted: 0,
    files_unchanged: 0,
    error: undefined,
  };
  const publishGroups: Bench["publishGroups"] = async (groups, signal) => {
    const freezer = Freezer.in(s, { staging: home.stagingDir, root: folder, local: false }, signal);
    const local = { name: "n", description: "", keywords: [], ranking: 0, attributes: {} };
    const dataset = { uuid, scope: "", remote: null, local, action: "create" as const, changes: [] };
    const options = { iteration: 1, dryRun: false, ...(signal ? { signal } : {}) };
    isTested = true;
    await publishFiles(s, dataset, groups, freezer, {
      recorder,
      plan: [],
      outcome,
      source: 1,
      creator: "me",
      options,
      secured: [],
    });
  };
  try {
    const [scope] = await client.scopes();
    await client.createDataset({
      uuid,
      alt_uid: null,
      collected: TIME,
      name: "n",
      creator: "me",
      description: "",
      keywords: [],
      ranking: 0,
      scope_uuid: scope?.uid ?? "",
      attributes: {},
    });
    await test({
      s,
      recorder,
      folder,
      dataset: uuid,
      staging: home.stagingDir,
      publishGroups,
      async publish(files, signal) {
        const draft: DatasetDraft = {
          name: "n",
          collected: TIME,
          keywords: [],
          ranking: 0,
          attributes: {},
          files: files.map(({ name }) => ({
            name,
            filename: name,
            path: join(folder, name),
            staged: false,
            type: "UNKNOWN",
            created: 1000,
          })),
        };
        for (const { name, size } of files) {
          if (size === null) continue;
          await Deno.writeFile(join(folder, name), new Uint8Array(size).fill(size));
          // Files that were written to just now are left to rest.
          await Deno.utime(join(folder, name), 1_600_000_000, 1_600_000_000);
        }
        await publishGroups(fileGroups(s, draft, 1, true), signal);
      },
      async onPlatform() {
        isTested = false;
        return (await client.findDataset({ uuid, alt_uid: null, scope_uuid: scope?.uid ?? "" }))?.files ?? [];
      },
    });
  } finally {
    await hub.close();
    catalog.close();
    client.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const numbered = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `file ${i}`, size }));

/** Names in the record: its tasks, and the files with an upload that went well. */
function told(recorder: RunRecorder): { tasks: string[]; sent: string[]; failed: string[] } {
  const record = loadRecord(recorder.finish());
  const [run] = record?.logs ?? [];
  assert(run?.type === "task");
  const uploads = Object.entries(record?.files ?? {});
  return {
    tasks: (run.content as TaskNode[]).map((task) => task.name),
    sent: uploads.filter(([, [u]]) => u?.status === "OK").map(([name]) => name),
    failed: uploads.filter(([, [u]]) => u?.status === "ERROR").map(([name]) => name),
  };
}

Deno.test("files overtake a slow one, and are told in the draft's order all the same", async () => {
  const files = numbered(50, 10);
  const isSlow = Promise.withResolvers<void>();
  let puts = 0;
  await withBench(async (request) => {
    if (request.method !== "PUT") return;
    puts++;
    if (puts === 1) await isSlow.promise;
    // All others are through when the last of them is.
    else if (puts === files.length) isSlow.resolve();
  }, async ({ publish, recorder, onPlatform }) => {
    await publish(files);
    const names = files.map((f) => f.name);
    assertEquals(told(recorder), { tasks: names, sent: names, failed: [] });
    assertEquals((await onPlatform()).filter((f) => f.status === "secured").length, files.length);
  });
});

Deno.test("a file that fails hides no other (L2): each failure is told once, with its file", async () => {
  const files = numbered(40, 10);
  const gone = { name: "file gone", size: null };
  const refusing = (request: TransportRequest) => {
    const refused = typeof request.body === "string" && request.body.includes('"file 7"');
    if (refused) throw new SyncError("platform", "http_500", "no", { hint: "h" });
  };
  await withBench(refusing, async ({ publish, recorder, onPlatform }) => {
    await publish([...files.slice(0, 3), gone, ...files.slice(3)]);
    assertEquals(recorder.errors.map((e) => e.code), ["file_vanished", "http_500"]);
    const { failed, sent } = told(recorder);
    assertEquals(failed, ["file gone", "file 7"]);
    assertEquals(sent, files.map((f) => f.name).filter((name) => name !== "file 7"));
    assertEquals((await onPlatform()).length, 39);
  });
});

Deno.test("of two files of one name the first is sent, the second is an error (F15)", async () => {
  await withBench(() => {}, async ({ publish, recorder, onPlatform }) => {
    const [file] = numbered(1, 10);
    await publish([file!, file!, { name: "other", size: 5 }]);
    assertEquals(recorder.errors.map((e) => [e.class, e.code]), [["data", "duplicate_file_name"]]);
    assertEquals(told(recorder).sent, ["file 0", "other"]);
    assertEquals((await onPlatform()).map((f) => f.name).sort(), ["file 0", "other"]);
  });
});

Deno.test("without a network the rest is not tried; what was tried is told", async () => {
  let isDown = false;
  const failing = (request: TransportRequest) => {
    if (request.method === "PUT") isDown = true;
    if (isDown) throw new SyncError("network", "unreachable", "no network", { hint: "h" });
  };
  await withBench(failing, async ({ publish, recorder, staging }) => {
    const error = await assertRejects(() => publish(numbered(200, 10)));
    assert(error instanceof RecordedError && error.cause.class === "network", `${error}`);
    const { tasks, failed, sent } = told(recorder);
    assert(tasks.length <= 32 && tasks.length === failed.length + sent.length, `${tasks.length} were tried`);
    assertEquals(recorder.errors.length, failed.length);
    assertEquals([...Deno.readDirSync(staging)], []);
  });
});

Deno.test("an interrupted run says nothing about the files that were under way, and leaves no copy", async () => {
  const stop = new AbortController();
  const waiting = async (request: TransportRequest) => {
    if (request.method !== "PUT") return;
    stop.abort(new Error("the agent ends"));
    await Promise.reject(stop.signal.reason);
  };
  await withBench(waiting, async ({ publish, recorder, staging }) => {
    const error = await assertRejects(() => publish(numbered(5, 2_000_000), stop.signal));
    assertEquals(error.message, "the agent ends");
    assertEquals(recorder.errors, []);
    assertEquals([...Deno.readDirSync(staging)], []);
  });
});

Deno.test("copies of files above 1 MiB are in the staging folder while they are sent, and go one by one", async () => {
  const seen: number[] = [];
  let staging = "";
  const counting = (request: TransportRequest) => {
    if (request.method === "PUT") seen.push([...Deno.readDirSync(staging)].length);
  };
  await withBench(counting, async (bench) => {
    staging = bench.staging;
    await bench.publish([...numbered(3, 1_500_000), { name: "short", size: 10 }]);
    assertEquals(seen.length, 4);
    assert(Math.max(...seen) >= 1 && Math.max(...seen) <= 3, `${seen}`);
    assertEquals([...Deno.readDirSync(staging)], []);
  });
});

Deno.test("no more is under way than memory and staging space are meant for", async () => {
  for (const [size, most] of [[0, 32], [64 * 2 ** 20, 4], [10 * 2 ** 30, 4], [100 * 2 ** 20, 4]] as const) {
    await withBench(() => {}, async ({ publishGroups }) => {
      let [running, peak] = [0, 0];
      async function* groups(): AsyncGenerator<FileGroup> {
        for (let i = 0; i < 100; i++) {
          yield {
            size,
            async *files() {
              peak = Math.max(peak, ++running);
              await new Promise((resolve) => setTimeout(resolve, 1));
              running--;
            },
          };
        }
      }
      await publishGroups(groups());
      assertEquals(peak, most);
    });
  }
});

Deno.test("a large new file is read once, for its hashes and its parts; a later version is hashed first (U2)", async () => {
  const MiB = 1024 * 1024;
  await withBench(() => {}, async (bench) => {
    const { s, publish, onPlatform, folder } = bench;
    let read = 0;
    s.transfer = { ...memoryTransfer(), journal: s.catalog.uploads, partsFrom: 6 * MiB, copyLimit: 1 };
    s.env = {
      ...systemEnv,
      fs: {
        ...systemEnv.fs,
        async open(path, options) {
          const file = await Deno.open(path, options);
          const { read: reading } = file;
          file.read = async (buffer) => {
            const n = await reading.call(file, buffer);
            read += n ?? 0;
            return n;
          };
          return file;
        },
      },
    };
    await publish([{ name: "large.bin", size: 11 * MiB }]);
    assertEquals(read, 11 * MiB);
    const [first] = await onPlatform();
    const bytes = await Deno.readFile(join(folder, "large.bin"));
    const md5 = createHash("md5").update(bytes).digest("hex");
    assertEquals([first?.status, first?.md5_checksum, first?.size], ["secured", md5, 11 * MiB]);
    const [known] = s.catalog.fileVersions.ofName(bench.dataset, "large.bin");
    assertEquals([known?.secured, known?.md5], [true, md5]);

    // As it is: not read again. Other bytes: read to decide, then to send them.
    await publish([{ name: "large.bin", size: null }]);
    assertEquals(read, 11 * MiB);
    await Deno.writeFile(join(folder, "large.bin"), bytes.with(7, 1));
    await Deno.utime(join(folder, "large.bin"), 1_600_000_500, 1_600_000_500);
    await publish([{ name: "large.bin", size: null }]);
    assertEquals(read, 3 * 11 * MiB);
  });
});
