/** A serving agent with a data folder of its own, for tests; ended and removed by `await using`. */
import { join } from "node:path";
import { Agent } from "../../src/engine/agent.ts";
import type { Serving } from "../../src/engine/serving.ts";
import type { ActivityView, ItemView } from "../../src/engine/views.ts";
import type { Dataset, FileRecord } from "../../src/platform/client.ts";
import { assert } from "../assert.ts";

const PATIENCE_MS = 30_000;

export class ServingSandbox {
  readonly home: string;
  #serving: Serving | undefined;

  constructor(private readonly root: string, private agent: Agent) {
    this.home = agent.home.root;
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  get serving(): Serving {
    assert(this.#serving, "serve first");
    return this.#serving;
  }

  /** A source of dataset folders below `data`. */
  async addSource(name: string): Promise<void> {
    await Deno.mkdir(this.path("data"), { recursive: true });
    await this.agent.sources.add({
      name,
      backend: "folderbase",
      config: { root_directory: this.path("data"), is_server_folder: false },
      scope: "default",
    });
  }

  async serve(): Promise<Serving> {
    return this.#serving = await this.agent.serve();
  }

  /** Ends the agent and starts another one on the same state folder. */
  async restart(): Promise<void> {
    await this.serving.close();
    await this.agent.close();
    this.agent = await Agent.open({ home: this.home });
    await this.serve();
  }

  /** What a command of the user does, in an agent object of its own. */
  async elsewhere(work: (agent: Agent) => unknown): Promise<void> {
    const other = await Agent.open({ home: this.home });
    try {
      await work(other);
    } finally {
      await other.close();
    }
  }

  activity(): ActivityView {
    return this.serving.activity();
  }

  items(): ItemView[] {
    return this.agent.items.list({});
  }

  find(identifier: string): ItemView | undefined {
    return this.items().find((i) => i.dataIdentifier === identifier);
  }

  item(identifier: string): ItemView {
    const item = this.find(identifier);
    assert(item, `no item ${identifier}`);
    return item;
  }

  async synced(identifier: string): Promise<ItemView> {
    await this.until(
      `${identifier} is synchronized`,
      () => this.find(identifier)?.status === "synchronized",
      () => this.find(identifier),
    );
    return this.item(identifier);
  }

  /** Waits for a condition. @param about what is shown when it does not come true */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    about?: () => unknown,
  ): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!await condition()) {
      if (Date.now() > end) {
        throw new Error(`not within ${PATIENCE_MS} ms: ${what} ${JSON.stringify(about?.())}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async remoteFiles(item: ItemView): Promise<FileRecord[]> {
    return (await this.agent.client.readDataset(item.datasetUUID))?.files ?? [];
  }

  async remoteDatasets(): Promise<Dataset[]> {
    return await this.agent.client.searchDatasets({}, { limit: 1000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serving?.close();
    await this.agent.close();
    await Deno.remove(this.root, { recursive: true });
  }
}

export async function openSandbox(): Promise<ServingSandbox> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "serving_" }));
  return new ServingSandbox(root, await Agent.open({ home: join(root, "home") }));
}
