/** A native database of qdrive with its files in a throwaway folder, an agent on it, and a platform that a test can interrupt. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Agent } from "../src/engine/agent.ts";
import type { OnceReport } from "../src/engine/views.ts";
import { systemEnv } from "../src/env.ts";
import { type Hub, openHub } from "../src/hub/open_hub.ts";
import { type Dataset, type PlatformClient, platformClient } from "../src/platform/client.ts";
import { inProcessTransport } from "../src/platform/transport_in_process.ts";
import { copyFolder } from "./convert.ts";
import { type Cells, databaseCells } from "./database_cells.ts";

const FIXTURES = new URL("fixtures/native/", import.meta.url).pathname;

/** The fixtures' datasets, by what they are. */
export const DATASETS = {
  rabi: "00000001-0000-4000-8000-000000000001",
  altUid: "00000002-0000-4000-8000-000000000002",
  cache: "00000003-0000-4000-8000-000000000003",
  live: "00000004-0000-4000-8000-000000000004",
} as const;

export const SCOPES = {
  a: "aaaaaaaa-0000-4000-8000-00000000000a",
  b: "bbbbbbbb-0000-4000-8000-00000000000b",
} as const;

export class NativeLab implements AsyncDisposable {
  readonly folder: string;
  readonly database: string;
  #hub: Hub | undefined;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  /** Called before a request of the agents is answered, and after; only when the platform is served over HTTP. */
  onRequest: (request: Request) => void | Promise<void> = () => {};
  afterRequest: (request: Request) => void | Promise<void> = () => {};

  private constructor(readonly root: string) {
    this.folder = join(root, "etiket");
    this.database = join(this.folder, "sql", "etiket_db.sql");
  }

  /** @param fixture such as `v0.3-done` @param platform `http`: a hub of its own, which has the fixture's scopes */
  static async make(fixture: string, platform: "embedded" | "http" = "embedded"): Promise<NativeLab> {
    const lab = new NativeLab(await Deno.realPath(await Deno.makeTempDir({ prefix: "native_" })));
    await copyFolder(join(FIXTURES, fixture), lab.folder);
    await Deno.chmod(lab.database, 0o644);
    lab.sql((db) => {
      db.exec(`UPDATE files SET local_path = '${lab.folder}' || substr(local_path, instr(local_path, '/data/'
        || 'aaaaaaaa')) WHERE instr(local_path, '/data/aaaaaaaa') > 0`);
      db.exec(`UPDATE files SET local_path = '${lab.folder}' || substr(local_path, instr(local_path, '/data/'
        || 'bbbbbbbb')) WHERE instr(local_path, '/data/bbbbbbbb') > 0`);
    });
    if (platform === "http") await lab.#serve();
    return lab;
  }

  async #serve(): Promise<void> {
    const hub = openHub({ directory: join(this.root, "hub"), env: systemEnv });
    this.#hub = hub;
    await this.platform(async (client) => {
      await client.createScope({ uid: SCOPES.a, name: "own scope A" });
      await client.createScope({ uid: SCOPES.b, name: "own scope B" });
    });
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      await this.onRequest(request);
      const reply = await hub.fetch(request);
      await this.afterRequest(request);
      return reply;
    });
  }

  /** A state folder with the source in its configuration. */
  home(name = "home"): string {
    const home = join(this.root, name);
    Deno.mkdirSync(home, { recursive: true });
    const platform = this.#server ? `[platform]\nurl = "http://127.0.0.1:${this.#server.addr.port}"\n` : "";
    Deno.writeTextFileSync(
      join(home, "config.toml"),
      `${platform}[[sources]]\nname = "QH datasets"\nbackend = "native"\nconfig = { data_directory = ${
        JSON.stringify(this.folder)
      } }\n`,
    );
    return home;
  }

  async agent<T>(work: (agent: Agent) => T | Promise<T>, home = this.home()): Promise<T> {
    const agent = await Agent.open({ home });
    try {
      return await work(agent);
    } finally {
      await agent.close();
    }
  }

  once(home?: string): Promise<OnceReport> {
    return this.agent((agent) => agent.once(), home);
  }

  /** The sync record of a dataset's item as text. */
  record(uuid: string): Promise<string> {
    return this.agent(({ items }) =>
      JSON.stringify(items.list({ query: uuid }).map(({ id }) => items.get(id).sync_record))
    );
  }

  /** What the platform has, as another client of it sees it. */
  async platform<T>(work: (client: PlatformClient) => Promise<T>): Promise<T> {
    const hub = this.#hub ?? openHub({ directory: join(this.root, "home", "hub"), env: systemEnv });
    const client = platformClient({ transport: inProcessTransport((r) => hub.fetch(r)), env: systemEnv });
    try {
      return await work(client);
    } finally {
      client.close();
      if (hub !== this.#hub) await hub.close();
    }
  }

  dataset(uuid: string): Promise<Dataset> {
    return this.platform(async (client) => {
      const dataset = await client.readDataset(uuid);
      if (!dataset) throw new Error(`there is no dataset ${uuid}`);
      return dataset;
    });
  }

  /** Works on the database as qdrive would. */
  sql<T>(work: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.database, { timeout: 10_000 });
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  /** As qdrive changes a dataset: `modified` is now, and it is to be synchronized again. */
  edit(uuid: string, set: string, at = Date.now()): void {
    const modified = new Date(at).toISOString().replace("T", " ").replace("Z", "000");
    this.sql((db) =>
      db.prepare(`UPDATE datasets SET ${set}, modified = ?, synchronized = 0 WHERE uuid = ?`)
        .run(modified, uuid.replaceAll("-", ""))
    );
  }

  cells(): Cells {
    return databaseCells(this.database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.shutdown();
    await this.#hub?.close();
    await Deno.remove(this.root, { recursive: true });
  }
}
