/**
 * A 2 GiB file on its way to a real S3 server: the agent is killed at ten points, the network cut at twenty, always while
 * a part is on its way. Each interruption costs at most one part: so many bytes of parts, and no more, are sent again
 * before the next one.
 */
import { join } from "node:path";
import { runCli, spawnCli } from "../../src/cli/test_cli.ts";
import { systemEnv } from "../../src/env.ts";
import { openHub } from "../../src/hub/open_hub.ts";
import { platformClient } from "../../src/platform/client.ts";
import { inProcessTransport } from "../../src/platform/transport_in_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { folderSource } from "../agent_process.ts";
import { withS3Server } from "../s3_server.ts";
import { CuttingProxy } from "./cutting_proxy.ts";

const MiB = 1024 * 1024;
const SIZE = 2048 * MiB;
/** Of the hub, for a file of this size. */
const PART = 5 * MiB;

interface Line {
  proxy: CuttingProxy;
  /** Starts `once` as a process of its own. */
  start(): Deno.ChildProcess;
  /** Resolves while a part is on its way, when so much of the file arrived for the first time. */
  arrived(bytes: number, process: Deno.ChildProcess): Promise<void>;
  /** The file gets to the platform, whole, and each interruption cost no more than it may. */
  finish(): Promise<void>;
}

async function onLine(test: (line: Line) => Promise<void>): Promise<void> {
  await withS3Server(async (server) => {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "resume_" }));
    const proxy = CuttingProxy.start(Number(new URL(server.store.endpoint).port));
    const store = { ...server.store, endpoint: proxy.url };
    const hub = openHub({ directory: join(root, "hub"), env: systemEnv, store });
    const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (r) => hub.fetch(r));
    const home = join(root, "home");
    // What was sent again so far, at each interruption and at the end.
    const again: number[] = [];
    try {
      await Deno.mkdir(home);
      await Deno.writeTextFile(
        join(home, "config.toml"),
        `[platform]\nurl = "http://127.0.0.1:${http.addr.port}"\n`,
      );
      await writeLargeFile(join(root, "data", "run"));
      const args = ["once", ...folderSource(join(root, "data")), "--json"];
      await test({
        proxy,
        start: () => spawnCli(args, { home }),
        async arrived(bytes, process) {
          const { parts } = proxy;
          const reached = new Promise<"reached">((resolve) => {
            proxy.onBytes = () => parts.fresh >= bytes && parts.underWay.size > 0 && resolve("reached");
          });
          const how = await Promise.race([reached, process.status]);
          assertEquals(how, "reached", "the agent ended before the next interruption");
          assertEquals(parts.underWay.size, 1, "parts go one after another");
          again.push(parts.again);
        },
        async finish() {
          const { code, stdout, stderr } = await runCli(args, { home });
          assertEquals(code, 0, `${stdout}\n${stderr}`);
          const client = platformClient({
            transport: inProcessTransport((r) => hub.fetch(r)),
            env: systemEnv,
          });
          const [dataset, ...others] = await client.searchDatasets({});
          client.close();
          assertEquals(others, []);
          const file = dataset?.files.find((f) => f.name === "large.bin");
          assertEquals([file?.status, file?.size], ["secured", SIZE]);
          const verified = await runCli(["verify", "--json"], { home });
          assertEquals(verified.code, 0, verified.stdout);
          again.push(proxy.parts.again);
          assertEquals(again[0], 0, "sent again before anything was interrupted");
          const costs = again.slice(1).map((bytes, i) => (bytes - (again[i] ?? 0)) / PART);
          console.log(
            `parts sent again after each interruption: ${costs.map((c) => c.toFixed(2)).join(" ")}`,
          );
          assert(costs.every((c) => c <= 1), "more than one part was sent again");
        },
      });
    } finally {
      await http.shutdown();
      await hub.close();
      proxy.stop();
      await Deno.remove(root, { recursive: true });
    }
  });
}

/** A dataset folder with a file that is mostly a hole, but no two parts of it are equal. */
async function writeLargeFile(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "_QH_dataset_info.yaml"), "");
  const path = join(folder, "large.bin");
  {
    using file = await Deno.open(path, { write: true, create: true });
    await file.truncate(SIZE);
    for (let at = 0; at < SIZE; at += MiB) {
      await file.seek(at, Deno.SeekMode.Start);
      await file.write(new TextEncoder().encode(`megabyte ${at / MiB}\n`));
    }
  }
  await Deno.utime(path, 1_700_000_000, 1_700_000_000);
}

Deno.test("killed at ten points, the upload goes on where it was", () =>
  onLine(async (line) => {
    const kills = 10;
    for (let i = 1; i <= kills; i++) {
      const agent = line.start();
      await line.arrived(SIZE * i / (kills + 1), agent);
      agent.kill("SIGKILL");
      await agent.status;
    }
    await line.finish();
  }));

Deno.test("with the network cut at twenty points, the upload goes on where it was", () =>
  onLine(async (line) => {
    const cuts = 20;
    const agent = line.start();
    for (let i = 1; i <= cuts; i++) {
      await line.arrived(SIZE * i / (cuts + 1), agent);
      line.proxy.cut();
    }
    assertEquals((await agent.status).code, 0, "one process survives all cuts");
    await line.finish();
  }));
