import { join } from "node:path";
import { assertEquals } from "../../tests/assert.ts";
import { Catalog } from "../catalog/catalog.ts";
import { type Env, systemEnv } from "../env.ts";
import { openHub } from "../hub/open_hub.ts";
import { SyncError } from "../kit/errors.ts";
import { platformClient } from "../platform/client.ts";
import type { Transport } from "../platform/transport.ts";
import { inProcessTransport } from "../platform/transport_in_process.ts";
import { memoryTransfer } from "../transfer/memory_transfer.ts";
import { openHome } from "./home.ts";
import { Recovery } from "./recovery.ts";
import type { Services } from "./services.ts";

const STORE = "https://store.example.org";

Deno.test("a store that is down is asked itself until it answers, whatever the platform says (U9)", async () => {
  const folder = await Deno.makeTempDir();
  const clock = { now: 0 };
  const env: Env = { ...systemEnv, monotonic: () => clock.now, random: () => 0.5 };
  const home = openHome(join(folder, "home"));
  const hub = openHub({ directory: home.hubDir, env });
  const toHub = inProcessTransport((request) => hub.fetch(request));
  const asked: string[] = [];
  let isUp = false;
  const transport: Transport = {
    ...toHub,
    async send(request) {
      if (!request.url.startsWith(STORE)) return await toHub.send(request);
      asked.push(request.url);
      if (!isUp) throw new SyncError("network", "connection_refused", "nobody there", { hint: "" });
      return new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 });
    },
  };
  const client = platformClient({ transport, env });
  const catalog = Catalog.open(home.catalogPath);
  try {
    const s: Services = {
      env,
      home,
      catalog,
      client,
      readers: { run: () => Promise.reject(new Error("no readers")), close: () => Promise.resolve() },
      transfer: memoryTransfer(),
      registry: () => Promise.resolve({ backends: [], converters: [], broken: [] }),
      ownsPlatform: true,
      machineId: "machine",
      version: "0",
      log() {},
      logOnce() {},
    };
    const recovery = new Recovery(s, { iteration: () => 1, running: () => [], onChange() {} });
    const probe = async (ms: number) => {
      clock.now += ms;
      recovery.probe();
      await recovery.idle();
    };
    const failure = () =>
      new SyncError("network", "connection_refused", "uploading", { hint: "", endpoint: STORE });
    for (let i = 0; i < 3; i++) recovery.hindered(failure());
    assertEquals(recovery.state.state, "no_connection");
    await client.me();
    recovery.reached(false);
    assertEquals(recovery.state.state, "no_connection", "the platform's answer is not the store's");
    await probe(1000);
    assertEquals([asked.length, recovery.state.state], [1, "no_connection"]);
    isUp = true;
    await probe(1000);
    assertEquals([asked.length, recovery.state.state], [1, "no_connection"], "left in peace for 2 s");
    await probe(1000);
    assertEquals([asked, recovery.state.state], [[`${STORE}/`, `${STORE}/`], "running"]);
  } finally {
    client.close();
    await hub.close();
    catalog.close();
    await Deno.remove(folder, { recursive: true });
  }
});
