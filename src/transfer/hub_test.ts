/** Client, snapshot, decision and upload against the real embedded platform, in process and over the network. */
import { assert, assertEquals } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { openHub } from "../hub/open_hub.ts";
import { type PlatformClient, platformClient } from "../platform/client.ts";
import { httpTransport } from "../platform/transport_http.ts";
import { inProcessTransport } from "../platform/transport_in_process.ts";
import { takeSnapshot } from "./snapshot.ts";
import { memoryTransfer } from "./memory_transfer.ts";
import { uploadVersion } from "./upload.ts";
import { decideVersion } from "./version_decision.ts";

const COLLECTED = "2024-11-06T14:21:30.000000+00:00";

async function withHub(test: (client: PlatformClient, folder: string) => Promise<void>): Promise<void> {
  for (const route of ["in process", "network"]) {
    const folder = await Deno.makeTempDir();
    const hub = openHub({ directory: `${folder}/hub`, env: systemEnv });
    const server = route === "network"
      ? Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (r) => hub.fetch(r))
      : null;
    const client = platformClient({
      env: systemEnv,
      transport: server
        ? httpTransport(`http://127.0.0.1:${server.addr.port}`)
        : inProcessTransport(hub.fetch),
    });
    try {
      await test(client, folder);
    } finally {
      client.close();
      await server?.shutdown();
      await hub.close();
      await Deno.remove(folder, { recursive: true });
    }
  }
}

async function newDataset(client: PlatformClient): Promise<string> {
  const [scope] = await client.scopes();
  assert(scope, "the hub has no scope");
  const uuid = crypto.randomUUID();
  const made = await client.createDataset({
    uuid,
    alt_uid: `alt ${uuid.slice(0, 8)}`,
    collected: COLLECTED,
    name: "Run",
    creator: (await client.me()).sub,
    keywords: ["a"],
    ranking: 0,
    scope_uuid: scope.uid,
    attributes: { sample: "S1" },
  });
  assertEquals(made, null);
  return uuid;
}

Deno.test("datasets on the hub: create, find, update, move, scopes", () =>
  withHub(async (client) => {
    const uuid = await newDataset(client);
    const dataset = await client.readDataset(uuid);
    assert(dataset);
    assertEquals([dataset.name, dataset.keywords, dataset.attributes], ["Run", ["a"], { sample: "S1" }]);
    const found = await client.findDataset({
      uuid: crypto.randomUUID(),
      alt_uid: dataset.alt_uid,
      scope_uuid: dataset.scope.uid,
    });
    assertEquals(found?.uuid, uuid);
    await client.updateDataset(uuid, { ranking: 1 });
    const made = await client.createScope({ uid: crypto.randomUUID(), name: "second scope" });
    assertEquals((await client.scopes("second")).map((s) => s.uid), [made.uid]);
    assertEquals(await client.moveDataset(uuid, made.uid), true);
    const moved = await client.readDataset(uuid);
    assertEquals([moved?.scope.name, moved?.ranking], ["second scope", 1]);
    assertEquals(await client.readDataset(crypto.randomUUID()), null);
    assertEquals(await client.scope(crypto.randomUUID()), null);
    assertEquals(await client.readFile({ uuid: crypto.randomUUID(), version_id: 1 }), null);
    assert((await client.version()).length > 0);
  }));

Deno.test("files on the hub: secured, unchanged, a new version, and read back byte for byte", () =>
  withHub(async (client, folder) => {
    const dataset = await newDataset(client);
    const path = `${folder}/data.bin`;
    const sync = async (bytes: Uint8Array<ArrayBuffer>, copyLimit?: number) => {
      await Deno.writeFile(path, bytes);
      await using source = await takeSnapshot({ path, env: systemEnv, copyTo: `${folder}/copy`, copyLimit });
      const hashes = await source.hashes();
      const remote = await client.filesByName(dataset, "data.bin");
      const decision = decideVersion({
        candidate: Number(source.fingerprint.mtime_ns.slice(0, -6)),
        now: client.platformNow(),
        content: { ...hashes, content_md5: null, deep_sha256: null },
        local: [],
        remote,
        journal: [],
        localUuid: null,
        newUuid: crypto.randomUUID(),
      });
      if (decision.action === "unchanged") return decision.action;
      const outcome = await uploadVersion({
        client,
        env: systemEnv,
        transfer: memoryTransfer(),
        source,
        existing: null,
        version: {
          name: "data.bin",
          filename: "data.bin",
          uuid: decision.file_uuid,
          version_id: decision.version_id,
          creator: "me",
          collected: COLLECTED,
          size: source.size,
          type: "UNKNOWN",
          ds_uuid: dataset,
        },
      });
      assert(outcome.outcome === "secured");
      assertEquals(outcome.record.md5_checksum, hashes.md5);
      const link = outcome.record.S3_link;
      assert(link, "no download link");
      const stored = await new Response(await client.download(link)).bytes();
      assertEquals(stored, bytes);
      if (bytes.length > 10) {
        const part = await new Response(await client.download(link, { first: 2, last: 5 })).bytes();
        assertEquals(part, bytes.slice(2, 6));
      }
      return decision.action;
    };
    const first = new Uint8Array(3_000_000).map((_, i) => i >> 5);
    assertEquals(await sync(first), "new");
    assertEquals(await sync(first), "unchanged");
    assertEquals(await sync(new Uint8Array(0)), "new");
    assertEquals(await sync(first.map((b) => b + 1), 1), "new");
    const versions = await client.filesByName(dataset, "data.bin");
    assertEquals([versions.length, new Set(versions.map((v) => v.uuid)).size], [3, 1]);
    assert(versions.every((v) => v.status === "secured"));
  }));
