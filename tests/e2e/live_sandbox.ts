/** A serving agent with the counting backends, for tests of live sessions. */
import { join } from "node:path";
import { Agent, type AgentOptions } from "../../src/engine/agent.ts";
import type { Serving } from "../../src/engine/serving.ts";
import type { ItemView } from "../../src/engine/views.ts";
import type { LiveEvent, LiveSessionView } from "../../src/live/live_event.ts";
import { eventOf, type LiveSubscription } from "../../src/live/subscription.ts";
import type { FileRecord } from "../../src/platform/client.ts";
import { assert } from "../assert.ts";

export const COUNTING = new URL("../../src/readers/test_modules/counting.ts", import.meta.url).href;
const PATIENCE_MS = 30_000;

export class LiveSandbox {
  #serving: Serving | undefined;

  private constructor(
    readonly root: string,
    public agent: Agent,
    private readonly options: AgentOptions,
    readonly log: string[],
  ) {}

  /** @param platform address of a hub; without it the embedded one is used */
  static async open(live: AgentOptions["live"] = {}, platform?: string): Promise<LiveSandbox> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "live_" }));
    if (platform !== undefined) {
      await Deno.mkdir(join(root, "home"));
      await Deno.writeTextFile(join(root, "home", "config.toml"), `[platform]\nurl = "${platform}"\n`);
    }
    const log: string[] = [];
    const options: AgentOptions = {
      home: join(root, "home"),
      load: [COUNTING],
      live,
      log: (line) => log.push(line),
    };
    return new LiveSandbox(root, await Agent.open(options), options, log);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  get serving(): Serving {
    assert(this.#serving, "serve first");
    return this.#serving;
  }

  /** A source of folders, one for each run, below a folder of its name. */
  async addFolders(name: string, config: Record<string, unknown> = {}): Promise<void> {
    await Deno.mkdir(this.path(name), { recursive: true });
    await this.agent.sources.add({
      name,
      backend: "counting",
      config: { root: this.path(name), ...config },
      scope: "default",
    });
  }

  /** A source whose runs are lines of one file. */
  async addDatabase(name: string): Promise<string> {
    const path = this.path(name);
    await Deno.writeTextFile(path, "");
    await this.agent.sources.add({
      name,
      backend: "counting_database",
      config: { path },
      scope: "default",
    });
    return path;
  }

  /** Appends lines to a run of a folder source. */
  async count(source: string, run: string, ...lines: (string | number)[]): Promise<void> {
    const folder = this.path(source, run);
    const isNew = await Deno.stat(folder).then(() => false, () => true);
    const place = isNew ? this.path(`new ${run}`) : folder;
    if (isNew) await Deno.mkdir(place);
    await append(join(place, "counter.txt"), lines);
    // It comes with its first lines.
    if (isNew) await Deno.rename(place, folder);
  }

  async serve(): Promise<Serving> {
    return this.#serving = await this.agent.serve();
  }

  /** Ends the agent and starts another one on the same state folder. */
  async restart(): Promise<void> {
    await this.serving.close();
    await this.agent.close();
    this.agent = await Agent.open(this.options);
    await this.serve();
  }

  item(identifier: string): ItemView | undefined {
    return this.agent.items.list({}).find((i) => i.dataIdentifier === identifier);
  }

  /** Processes that follow measurements, or did, the newest first. */
  hosts(): number[] {
    return this.log.flatMap((line) => /^live host (\d+) of/.exec(line)?.[1] ?? []).map(Number).reverse();
  }

  sessions(): LiveSessionView[] {
    return this.serving.live.list();
  }

  /** The session of an item, when there is one that has not ended. */
  session(identifier: string): LiveSessionView | undefined {
    const item = this.item(identifier);
    return this.sessions().find((s) => s.item_id === item?.id && s.state !== "ended");
  }

  async live(identifier: string): Promise<LiveSessionView> {
    await this.until(`${identifier} is live`, () => this.session(identifier) !== undefined);
    const session = this.session(identifier);
    assert(session);
    return session;
  }

  async synced(identifier: string): Promise<ItemView> {
    await this.until(
      `${identifier} is synchronized`,
      () => this.item(identifier)?.status === "synchronized",
      () => this.item(identifier),
    );
    const item = this.item(identifier);
    assert(item);
    return item;
  }

  /** Waits for a condition. @param about what is shown when it does not come true */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    about: () => unknown = () => this.sessions().slice(0, 3),
  ): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!await condition()) {
      if (Date.now() > end) {
        throw new Error(`not within ${PATIENCE_MS} ms: ${what} ${JSON.stringify(about())}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async files(item: ItemView): Promise<FileRecord[]> {
    return (await this.agent.client.readDataset(item.datasetUUID))?.files ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serving?.close();
    await this.agent.close();
    await Deno.remove(this.root, { recursive: true });
  }
}

/** Lines of text; `<run> <line>` for those of a database. */
export async function append(path: string, lines: readonly (string | number)[]): Promise<void> {
  await Deno.writeTextFile(path, lines.map((line) => `${line}\n`).join(""), { append: true });
}

/** What a subscriber knows of the variable `count`: NaN is data, undefined is not measured. */
export class Counts {
  readonly values: number[] = [];
  epochs: string[] = [];
  states: string[] = [];
  end: Extract<LiveEvent, { type: "end" }> | undefined;
  #seq = 0;

  constructor(serving: Serving, id: string) {
    this.#follow(serving.live.subscribe(id, {}));
  }

  async #follow(messages: LiveSubscription): Promise<void> {
    for await (const message of messages) this.#take(eventOf(message));
  }

  #take(event: LiveEvent): void {
    if (event.type === "heartbeat") return;
    if (event.type === "open" || event.type === "snapshot") {
      this.values.length = 0;
      if (this.epochs.at(-1) !== event.epoch) this.epochs.push(event.epoch);
    } else assert(event.seq > this.#seq, `event ${event.seq} after ${this.#seq}`);
    this.#seq = event.seq;
    if (event.type === "snapshot") { for (const patch of event.patches) this.#patch(patch); }
    if (event.type === "patch") this.#patch(event);
    if (event.type === "state") this.states.push(event.state);
    if (event.type === "end") this.end = event;
  }

  #patch({ offset, data }: { offset: number[]; data: string | string[] }): void {
    assert(typeof data === "string");
    const bytes = Uint8Array.fromBase64(data);
    new Float64Array(bytes.buffer).forEach((value, i) => this.values[(offset[0] ?? 0) + i] = value);
  }
}
