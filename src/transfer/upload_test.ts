import { createHash } from "node:crypto";
import { assert, assertEquals, assertMatch, assertRejects } from "../../tests/assert.ts";
import { type Env, systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { type PlatformClient, platformClient } from "../platform/client.ts";
import type { FileCreate, FileRecord } from "../platform/schemas.ts";
import {
  cutAfter,
  type Fault,
  reply,
  silence,
  StubPlatform,
  webPage,
} from "../platform/testing/stub_platform.ts";
import { httpTransport } from "../platform/transport_http.ts";
import { takeSnapshot } from "./snapshot.ts";
import { memoryTransfer } from "./memory_transfer.ts";
import { type UploadJob, type UploadOutcome, uploadVersion } from "./upload.ts";

const DATASET = "aaaaaaaa-0000-4000-8000-000000000001";
const FILE = "bbbbbbbb-0000-4000-8000-000000000001";
const VERSION = Date.parse("2024-11-06T12:00:00Z");

interface Scene {
  stub: StubPlatform;
  client: PlatformClient;
  /** Pauses between attempts, ms. */
  pauses: number[];
  path: string;
  md5: string;
  upload(more?: Partial<UploadJob>): Promise<UploadOutcome>;
}

/** A stub platform, a file of the given size that has come to rest, and a way to upload it. */
async function scene(test: (scene: Scene) => Promise<void>, size = 200_000, copyLimit?: number) {
  const stub = await StubPlatform.start();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/data.bin`;
  const bytes = new Uint8Array(size).map((_, i) => (i * 13) ^ (i >> 8));
  await Deno.writeFile(path, bytes);
  const pauses: number[] = [];
  const env: Env = {
    ...systemEnv,
    random: () => 0.5,
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  };
  const client = platformClient({
    transport: httpTransport(stub.url, { stallMs: 150, floorBytesPerS: 1e9 }),
    env,
    credentials: { headers: () => ({ authorization: "Bearer good" }) },
  });
  const version: FileCreate = {
    name: "sub/data.bin",
    filename: "data.bin",
    uuid: FILE,
    version_id: VERSION,
    creator: "ada",
    collected: "2024-11-06T12:00:00.000000+00:00",
    size,
    type: "UNKNOWN",
    ds_uuid: DATASET,
  };
  try {
    await using source = await takeSnapshot({ path, env: systemEnv, copyTo: `${folder}/copy`, copyLimit });
    await test({
      stub,
      client,
      pauses,
      path,
      md5: createHash("md5").update(bytes).digest("hex"),
      upload: (more) =>
        uploadVersion({ client, env, transfer: memoryTransfer(), version, existing: null, source, ...more }),
    });
    assertEquals(stub.violations, []);
  } finally {
    client.close();
    await stub.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function assertSecured(scene: Scene, outcome: UploadOutcome, puts: number): void {
  assert(outcome.outcome === "secured");
  assertEquals([outcome.puts, scene.stub.count(/^PUT/)], [puts, puts]);
  assertEquals(outcome.record.status, "secured");
  assertEquals(scene.stub.objects.get(`/bucket/${FILE}/${VERSION}`)?.md5, scene.md5);
}

async function failure(work: () => Promise<unknown>): Promise<SyncError> {
  const e = await assertRejects(work);
  assert(e instanceof SyncError && e.hint !== "", `${e}`);
  return e;
}

const steps = (stub: StubPlatform) => stub.requests.map((r) => `${r.method} ${r.path.split("/").at(-2)}`);

Deno.test("announce, link, PUT, validate, read back, in this order and once each (U4)", () =>
  scene(async (s) => {
    assertSecured(s, await s.upload(), 1);
    assertEquals(steps(s.stub), [
      "POST file",
      "GET single_part",
      `PUT ${FILE}`,
      "POST single_part",
      "GET read",
    ]);
    assertEquals(s.stub.files[0]?.immutable, true);
    assertEquals(s.stub.files[0]?.md5_checksum, s.md5);
  }));

Deno.test("an empty file is secured, with Content-Length: 0 (F5)", () =>
  scene(async (s) => {
    assertSecured(s, await s.upload(), 1);
    const put = s.stub.requests.find((r) => r.method === "PUT");
    assertEquals(put?.headers["content-length"], "0");
    assertEquals(s.stub.files[0]?.md5_checksum, "d41d8cd98f00b204e9800998ecf8427e");
  }, 0));

Deno.test("a large file goes up in place, hashed on the way", () =>
  scene(
    async (s) => {
      const progress: number[] = [];
      assertSecured(s, await s.upload({ onProgress: (sent) => void progress.push(sent) }), 1);
      assertEquals(progress.at(-1), 5_000_000);
      assert(progress.every((p, i) => i === 0 || p > (progress[i - 1] ?? 0)), "progress goes back");
    },
    5_000_000,
    1,
  ));

Deno.test("a netCDF file is validated with its content md5, its bytes with the plain one (F12)", () =>
  scene(async (s) => {
    const contentMd5 = "c".repeat(32);
    assertSecured(s, await s.upload({ contentMd5 }), 1);
    assertEquals(s.stub.files[0]?.md5_checksum, contentMd5);
  }));

Deno.test("two time-outs, then success: secured after exactly 3 PUTs (U5)", () =>
  scene(async (s) => {
    s.stub.fail(/^PUT/, silence, 2);
    assertSecured(s, await s.upload(), 3);
    assertEquals(s.pauses, [500, 2000]);
  }));

Deno.test("each attempt starts at byte 0, also after a cut in the middle", () =>
  scene(async (s) => {
    s.stub.fail(/^PUT/, cutAfter(1_000_000), 2);
    assertSecured(s, await s.upload(), 3);
  }, 20_000_000));

Deno.test("pauses vary by half around 0.5 s and 2 s, and Retry-After is honoured up to 10 min (U5)", () =>
  scene(async (s) => {
    s.stub.fail(/^PUT/, reply(503, {}, { "retry-after": "30" }));
    s.stub.fail(/^PUT/, reply(429, {}, { "retry-after": "86400" }));
    assertSecured(s, await s.upload(), 3);
    assertEquals(s.pauses, [30_000, 600_000]);
    s.pauses.length = 0;
    s.stub.files.length = 0;
    s.stub.fail(/^PUT/, reply(500), 2);
    let draw = 0;
    const env = {
      random: () => [0, 0.999][draw++] ?? 0,
      monotonic: () => 0,
      sleep: (ms: number) => Promise.resolve(void s.pauses.push(ms)),
      now: () => 0,
    };
    await s.upload({ env });
    assertEquals(s.pauses.map(Math.round), [250, 2998]);
  }));

const thrice: [string, Fault | Record<string, string>, string, string][] = [
  ["500", reply(500), "platform", "upload_failed"],
  ["404", reply(404), "platform", "upload_failed"],
  ["403 on the link", reply(403), "platform", "upload_failed"],
  ["redirect", reply(307, {}, { location: "/elsewhere" }), "platform", "upload_failed"],
  ["503", reply(503), "network", "http_503"],
  ["cut", cutAfter(1), "network", "connection_reset"],
  ["portal", webPage(200), "network", "web_page_instead_of_platform"],
  ["wrong ETag", { etag: `"${"0".repeat(32)}"` }, "platform", "upload_failed"],
  ["wrong Content-MD5", { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }, "platform", "upload_failed"],
];
for (const [name, fault, cls, code] of thrice) {
  Deno.test(`${name} three times: 3 PUTs, ${cls} ${code}, and the version stays pending (U5, U6)`, () =>
    scene(async (s) => {
      if (typeof fault === "function") s.stub.fail(/^PUT/, fault, 3);
      else s.stub.putReplyHeaders = fault;
      const e = await failure(() => s.upload());
      assertEquals([e.class, e.code], [cls, code]);
      assertEquals(s.stub.count(/^PUT/), 3);
      assertEquals(s.stub.files[0]?.status, "pending");
      assertMatch(e.message, /sub\/data\.bin/);
    }));
}

for (
  const [name, headers] of Object.entries({
    "of parts": { etag: `"${"0".repeat(32)}-2"` },
    "of Azure": { etag: "0x8DCFE6A1B2C3D4E" },
    "missing": { etag: undefined },
  })
) {
  Deno.test(`an ETag ${name} is noted; the record read back decides (U6)`, () =>
    scene(async (s) => {
      s.stub.putReplyHeaders = headers;
      s.stub.sendDate = false;
      const outcome = await s.upload();
      assertSecured(s, outcome, 1);
      assert(outcome.outcome === "secured" && outcome.notes.length === 1);
    }));
}

Deno.test("a validate call whose reply is lost is settled by a look", () =>
  scene(async (s) => {
    s.stub.fail(/validate/, (request) => {
      const file = s.stub.files[0];
      if (file) Object.assign(file, { status: "secured", md5_checksum: s.md5 });
      request.socket.destroy();
    });
    assertSecured(s, await s.upload(), 1);
  }));

Deno.test("a record that does not say what was sent is a failed attempt", () =>
  scene(async (s) => {
    s.stub.fail(/validate/, (q, r) => {
      q.resume();
      const file = s.stub.files[0];
      if (file) Object.assign(file, { status: "secured", immutable: false, md5_checksum: "0".repeat(32) });
      r.writeHead(202).end("null");
    });
    assertSecured(s, await s.upload(), 2);
    assertEquals(s.stub.files[0]?.md5_checksum, s.md5);
  }));

Deno.test("a version that is announced already is uploaded into; one secured meanwhile is left alone (F4)", () =>
  scene(async (s) => {
    s.stub.files.push({
      uuid: FILE,
      version_id: VERSION,
      ds_uuid: DATASET,
      name: "sub/data.bin",
      filename: "data.bin",
      type: "UNKNOWN",
      size: 200_000,
      status: "pending",
      immutable: true,
      md5_checksum: null,
    });
    assertSecured(s, await s.upload(), 1);
    const again = await s.upload();
    assertEquals(again.outcome, "decide_again");
    // The caller saw it pending, and someone else was faster.
    const seen: FileRecord = {
      ...(await s.client.readFile({ uuid: FILE, version_id: VERSION }))!,
      status: "pending",
    };
    const raced = await s.upload({ existing: seen });
    assert(raced.outcome === "decide_again" && raced.record.status === "secured");
    assertEquals(s.stub.count(/^PUT/), 1);
  }));

Deno.test("a pending record of another size is announced anew and uploaded into, if only its size was wrong", () =>
  scene(async (s) => {
    await s.upload();
    Object.assign(s.stub.files[0]!, { status: "pending", md5_checksum: null, size: 17 });
    const existing = await s.client.readFile({ uuid: FILE, version_id: VERSION });
    const outcome = await s.upload({ existing });
    assert(outcome.outcome === "secured" && outcome.record.size === 17);
    assertEquals(s.stub.count(/^POST .*file\/$/), 2);
  }));

Deno.test("a version that someone else secures between PUT and validate is decided anew (F4)", () =>
  scene(async (s) => {
    s.stub.fail(/validate/, (q, r) => {
      const file = s.stub.files[0];
      if (file) Object.assign(file, { status: "secured", md5_checksum: "0".repeat(32) });
      return reply(403)(q, r);
    });
    assertEquals((await s.upload()).outcome, "decide_again");
    assertEquals(s.stub.count(/^PUT/), 1);
  }));

Deno.test("without a link for want of a connection, the upload is put off at once", () =>
  scene(async (s) => {
    s.stub.fail(/presigned/, reply(503), 10);
    assertEquals((await failure(() => s.upload())).class, "network");
    assertEquals(s.stub.count(/presigned/), 3);
    assertEquals(s.pauses, [300, 1000]);
  }));

Deno.test("no access to the scope stays a permission error, whatever the link says", () =>
  scene(async (s) => {
    s.stub.fail(/presigned/, reply(403));
    assertEquals((await failure(() => s.upload())).class, "permission");
  }));

Deno.test("a file that changes during the upload ends it at once, and nothing is secured (U1)", () =>
  scene(
    async (s) => {
      let changed = false;
      const e = await failure(() =>
        s.upload({
          onProgress: () => {
            if (!changed) Deno.writeTextFileSync(s.path, "more", { append: true });
            changed = true;
          },
        })
      );
      assertEquals([e.class, e.code], ["busy", "file_changing"]);
      assertEquals([s.stub.count(/^PUT/), s.stub.objects.size, s.stub.files[0]?.status], [1, 0, "pending"]);
    },
    5_000_000,
    1,
  ));

Deno.test("an abort stops the upload and the waiting", () =>
  scene(async (s) => {
    const control = new AbortController();
    s.stub.fail(/^PUT/, () => control.abort(new Error("stop")));
    assertEquals((await assertRejects(() => s.upload({ signal: control.signal }))).message, "stop");
    assertEquals(s.stub.count(/^PUT/), 1);
  }));
