/** Uploads in parts against the real hub, on its folder and on a real S3 server where there is one. */
import { createHash } from "node:crypto";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { withS3Server } from "../../tests/s3_server.ts";
import { Catalog } from "../catalog/catalog.ts";
import { systemEnv } from "../env.ts";
import { type HubOptions, openHub } from "../hub/open_hub.ts";
import { SyncError } from "../kit/errors.ts";
import { type PlatformClient, platformClient } from "../platform/client.ts";
import type { FileCreate } from "../platform/schemas.ts";
import type { Transport, TransportRequest } from "../platform/transport.ts";
import { inProcessTransport } from "../platform/transport_in_process.ts";
import { memoryTransfer } from "./memory_transfer.ts";
import { abortOrphans, giveUp } from "./orphans.ts";
import { takeSnapshot } from "./snapshot.ts";
import { type UploadJob, type UploadOutcome, uploadVersion } from "./upload.ts";

const PART = 5 * 1024 * 1024;
const SIZE = 4 * PART + 12_345;
/** ms. */
const HOUR = 3_600_000;

interface Stage {
  client: PlatformClient;
  path: string;
  version: FileCreate;
  catalog: Catalog;
  /** PUTs of parts that reached the store, by part number; empty ones only ask. */
  puts: Map<number, number>;
  /** How wrong the PC's clock is, ms; the platform's is right, and its replies tell. */
  clock: { error: number };
  /** May throw in place of a request, or after it. */
  meddle: { before?: (r: TransportRequest) => void; after?: (r: TransportRequest, reply: Response) => void };
  upload(more?: Partial<UploadJob>): Promise<UploadOutcome>;
  /** Bytes that the platform has, hashed. */
  stored(): Promise<string>;
}

const cut = () => new SyncError("network", "connection_lost", "the connection was cut", { hint: "" });
const partOf = (r: TransportRequest) =>
  r.method === "PUT" ? Number(new URL(r.url, "http://x").searchParams.get("partNumber") ?? NaN) : NaN;
const isEmpty = ({ body }: TransportRequest) => typeof body === "object" && "size" in body && body.size === 0;

async function onStage(
  test: (stage: Stage) => Promise<void>,
  hubOptions: Partial<HubOptions> = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const hub = openHub({ directory: `${folder}/hub`, env: systemEnv, ...hubOptions });
  const real = inProcessTransport((r) => hub.fetch(r));
  const meddle: Stage["meddle"] = {};
  const clock = { error: 0 };
  const puts = new Map<number, number>();
  const transport: Transport = {
    ...real,
    async send(request) {
      meddle.before?.(request);
      const part = partOf(request);
      if (!Number.isNaN(part) && !isEmpty(request)) puts.set(part, (puts.get(part) ?? 0) + 1);
      const reply = await real.send(request);
      // As a hub in a process of its own does.
      if (!reply.headers.has("date")) reply.headers.set("date", new Date().toUTCString());
      meddle.after?.(request, reply);
      return reply;
    },
  };
  const env = { ...systemEnv, now: () => Date.now() + clock.error, sleep: () => Promise.resolve() };
  const client = platformClient({ transport, env });
  const catalog = Catalog.open(`${folder}/catalog.db`);
  const path = `${folder}/large.bin`;
  const bytes = new Uint8Array(SIZE);
  for (let at = 0; at < SIZE; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  await Deno.writeFile(path, bytes);
  await Deno.utime(path, 1_700_000_000, 1_700_000_000);
  try {
    const [scope] = await client.scopes();
    const ds_uuid = crypto.randomUUID();
    await client.createDataset({
      uuid: ds_uuid,
      collected: "2024-11-06T12:00:00.000000+00:00",
      name: "large",
      creator: "ada",
      keywords: [],
      ranking: 0,
      scope_uuid: scope?.uid ?? "",
      attributes: {},
    });
    const version: FileCreate = {
      name: "large.bin",
      filename: "large.bin",
      uuid: crypto.randomUUID(),
      version_id: 1_700_000_000_000,
      creator: "ada",
      collected: "2024-11-06T12:00:00.000000+00:00",
      size: SIZE,
      type: "UNKNOWN",
      ds_uuid,
    };
    await test({
      client,
      path,
      version,
      catalog,
      puts,
      clock,
      meddle,
      async upload(more = {}) {
        const source = await takeSnapshot({ path, env: systemEnv, copyTo: `${folder}/copy`, copyLimit: 0 });
        const existing = await client.readFile(version);
        const transfer = { ...memoryTransfer(), journal: catalog.uploads, partsFrom: 1 };
        return await uploadVersion({ client, env, transfer, version, existing, source, ...more });
      },
      async stored() {
        const dataset = await client.readDataset(ds_uuid);
        const link = dataset?.files[0]?.S3_link;
        assert(link, "nothing is stored");
        const hash = createHash("sha256");
        for await (const chunk of await client.download(link)) hash.update(chunk);
        return hash.digest("hex");
      },
    });
    assertEquals(catalog.uploads.orphans(Infinity), [], "an upload is left in the journal");
  } finally {
    client.close();
    await hub.close();
    catalog.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const sha256Of = async (path: string) => createHash("sha256").update(await Deno.readFile(path)).digest("hex");

async function assertSecured(s: Stage, outcome: UploadOutcome): Promise<void> {
  assert(outcome.outcome === "secured", outcome.outcome);
  assertEquals(outcome.record.status, "secured");
  assertEquals(await s.stored(), await sha256Of(s.path));
}

/** Each case on the folder store and on S3. */
function onBoth(name: string, test: (stage: Stage) => Promise<void>): void {
  Deno.test(`${name} (folder)`, () => onStage(test));
  Deno.test(`${name} (S3)`, () => withS3Server((server) => onStage(test, { store: server.store })));
}

onBoth("all parts are sent once, and the whole is what the file is", async (s) => {
  const progress: number[] = [];
  await assertSecured(s, await s.upload({ onProgress: (sent) => progress.push(sent) }));
  assertEquals([...s.puts.entries()].sort(), [1, 2, 3, 4, 5].map((n) => [n, 1]));
  assertEquals(progress.at(-1), SIZE);
});

onBoth("an attempt that is cut off goes on with the parts that are missing", async (s) => {
  s.meddle.before = (r) => {
    if (partOf(r) === 4) throw cut();
  };
  const failure = await assertRejects(() => s.upload());
  assert(failure instanceof SyncError && failure.class === "network");
  const before = new Map(s.puts);
  delete s.meddle.before;
  const checked: (number | null)[] = [];
  const outcome = await s.upload({ onChecking: (read) => checked.push(read) });
  await assertSecured(s, outcome);
  assertEquals(checked, [PART, 2 * PART, 3 * PART, null], "what was sent is read again to be hashed");
  assert(outcome.outcome === "secured");
  assertEquals(outcome.hashes.sha256, await sha256Of(s.path));
  assert(
    outcome.outcome === "secured" && /went on after \d of 5 parts/.test(outcome.notes.join()),
    "it resumed",
  );
  for (const [part, n] of s.puts) {
    if (before.has(part)) assertEquals(n, before.get(part), `part ${part} again`);
  }
});

onBoth("a completion whose reply is lost is settled by asking: nothing is sent again", async (s) => {
  let lost = 0;
  s.meddle.after = (r) => {
    if (r.url.endsWith("/file/validate_upload/") && lost++ === 0) throw cut();
  };
  await assertSecured(s, await s.upload());
  assertEquals(lost, 1);
  assertEquals([...s.puts.values()], [1, 1, 1, 1, 1]);
});

onBoth("an upload that the platform has forgotten is begun anew, once", async (s) => {
  s.meddle.before = (r) => {
    if (partOf(r) === 3) throw cut();
  };
  await assertRejects(() => s.upload());
  delete s.meddle.before;
  const open = s.catalog.uploads.find(s.version.uuid, s.version.version_id);
  await s.client.abortUpload(s.version, open?.upload_id ?? "");
  const outcome = await s.upload();
  await assertSecured(s, outcome);
  assert(outcome.outcome === "secured" && outcome.notes.some((n) => n.startsWith("begun anew")));
});

Deno.test("a part that is refused says more than another one that lost its connection", () =>
  onStage(async (s) => {
    s.meddle.before = (r) => {
      if (!Number.isNaN(partOf(r))) throw cut();
    };
    await assertRejects(() => s.upload());
    const open = s.catalog.uploads.find(s.version.uuid, s.version.version_id);
    assert(open);
    await s.client.abortUpload(s.version, open.upload_id);
    s.meddle.before = (r) => {
      if (r.url === open.urls[0]) throw cut();
    };
    await assertSecured(s, await s.upload());
  }));

onBoth("bytes that changed on the way are noticed, and sent again", async (s) => {
  let spoilt = false;
  s.meddle.before = (r) => {
    if (partOf(r) !== 2 || spoilt) return;
    spoilt = true;
    const body = r.body;
    if (typeof body !== "object" || !("chunks" in body)) return;
    r.body = {
      size: body.size,
      async *chunks() {
        for await (const chunk of body.chunks()) {
          const wrong = chunk.slice();
          wrong[0] = (wrong[0] ?? 0) ^ 1;
          yield wrong;
        }
      },
    };
  };
  await assertSecured(s, await s.upload());
  assertEquals(s.puts.get(2), 2);
});

Deno.test("a file that changes meanwhile gives the upload up: no mixture is ever completed", () =>
  onStage(async (s) => {
    s.meddle.before = (r) => {
      if (partOf(r) !== 3) return;
      using file = Deno.openSync(s.path, { write: true });
      file.writeSync(new Uint8Array([1, 2, 3]));
    };
    const failure = await assertRejects(() => s.upload());
    assert(failure instanceof SyncError && failure.code === "file_changing", `${failure}`);
    assertEquals((await s.client.readFile(s.version))?.status, "pending");
    delete s.meddle.before;
    await Deno.utime(s.path, 1_700_000_500, 1_700_000_500);
    await assertSecured(s, await s.upload());
  }));

Deno.test("a journal of other bytes is not gone on with", () =>
  onStage(async (s) => {
    s.meddle.before = (r) => {
      if (partOf(r) === 5) throw cut();
    };
    await assertRejects(() => s.upload());
    delete s.meddle.before;
    const bytes = await Deno.readFile(s.path);
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    await Deno.writeFile(s.path, bytes);
    await Deno.utime(s.path, 1_700_000_900, 1_700_000_900);
    const before = s.puts.get(1) ?? 0;
    await assertSecured(s, await s.upload());
    assertEquals(s.puts.get(1), before + 1);
  }));

Deno.test("an upload that nobody goes on with is given up after a day", () =>
  onStage(async (s) => {
    s.meddle.before = (r) => {
      if (partOf(r) === 1) throw cut();
    };
    await assertRejects(() => s.upload());
    assertEquals(await abortOrphans(s.client, s.catalog.uploads), 0);
    const began = s.catalog.uploads.find(s.version.uuid, s.version.version_id);
    assert(began);
    s.catalog.uploads.begin({ ...began, started: began.started - 25 * HOUR });
    assertEquals(await abortOrphans(s.client, s.catalog.uploads), 1);
    const refusal = await assertRejects(() =>
      s.client.validateMultipart(s.version, "0".repeat(32), {
        id: began.upload_id,
        etags: began.urls.map(() => '"x"'),
        size: SIZE,
      })
    );
    assert(refusal instanceof SyncError);
    assertEquals((await s.client.readFile(s.version))?.status, "pending");
  }));

Deno.test("an old upload is given up also when the PC's clock was set back and nothing was heard since", () =>
  onStage(async (s) => {
    s.meddle.before = (r) => {
      if (partOf(r) === 1) throw cut();
    };
    await assertRejects(() => s.upload());
    const began = s.catalog.uploads.find(s.version.uuid, s.version.version_id);
    assert(began);
    s.catalog.uploads.begin({ ...began, started: began.started - 25 * HOUR });
    s.clock.error = -TEN_YEARS;
    assertEquals(await abortOrphans(s.client, s.catalog.uploads), 1);
  }));

Deno.test("an upload whose id never arrived, and that cannot be given up at once, is not left open when its version is secured otherwise", () =>
  onStage(async (s) => {
    const aborted: string[] = [];
    let opened = 0;
    s.meddle.after = (r) => {
      // A read is asked for three times.
      if (/\/presigned_link\/\?/.test(r.url) && ++opened <= 3) throw cut();
    };
    s.meddle.before = (r) => {
      if (r.url.includes("/abort_upload/")) {
        aborted.push(String(r.body));
        if (aborted.length === 1) throw cut();
      }
    };
    await assertRejects(() => s.upload());
    const entry = s.catalog.uploads.find(s.version.uuid, s.version.version_id);
    assert(entry);
    assertEquals(entry.upload_id, "");
    await giveUp(s.client, s.catalog.uploads, entry);
    const known = s.catalog.uploads.find(s.version.uuid, s.version.version_id)?.upload_id;
    assert(known, "the upload that was opened to be given up is known");
    await assertSecured(s, await s.upload({ transfer: { ...memoryTransfer(), partsFrom: Infinity } }));
    const again = s.catalog.uploads.find(s.version.uuid, s.version.version_id);
    assert(again);
    await giveUp(s.client, s.catalog.uploads, again);
    assert(aborted.length === 2 && aborted[1]?.includes(known), aborted.join(", "));
  }));

const TEN_YEARS = 87_600 * HOUR;
const CLOCKS: [string, number, number][] = [
  ["right, then ten years ahead", 0, TEN_YEARS],
  ["ten years ahead, then right", TEN_YEARS, 0],
  ["ten years behind, then ten years ahead", -TEN_YEARS, TEN_YEARS],
  ["twenty minutes ahead, then as many behind", HOUR / 3, -HOUR / 3],
];
for (const [name, from, to] of CLOCKS) {
  Deno.test(`a PC's clock that is ${name} costs no part (U10)`, () =>
    onStage(async (s) => {
      s.clock.error = from;
      s.meddle.before = (r) => {
        if (partOf(r) === 4) throw cut();
      };
      await assertRejects(() => s.upload());
      delete s.meddle.before;
      s.clock.error = to;
      assertEquals(await abortOrphans(s.client, s.catalog.uploads), 0, "given up though it is young");
      await assertSecured(s, await s.upload());
      assertEquals([...s.puts.entries()].sort(), [1, 2, 3, 4, 5].map((n) => [n, 1]));
    }));
}
