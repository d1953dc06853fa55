import { join } from "node:path";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { type Env, type FileSystem, systemEnv } from "../../env.ts";
import { statExact, statExactLater } from "../../kit/fingerprint.ts";
import { Agent } from "../agent.ts";

/** A disk of which a part is a share that can stop answering: its calls then never return. */
class Share {
  /** Calls of the run of an item: that return later, and that keep everybody waiting until they return. */
  calls = 0;
  readonly blocking: string[] = [];
  /** From this call on nothing returns. */
  silentFrom = Infinity;
  isRunning = false;
  #wake = Promise.withResolvers<never>();
  readonly fs: FileSystem;

  constructor(private readonly root: string) {
    const later =
      <A extends unknown[], T>(call: (path: string | URL, ...rest: A) => Promise<T>) =>
      async (path: string | URL, ...rest: A) => {
        if (this.#isHere(path) && ++this.calls >= this.silentFrom) return await this.#wake.promise;
        return await call(path, ...rest);
      };
    const now = <A extends unknown[], T>(name: string, call: (path: string | URL, ...rest: A) => T) =>
    (
      path: string | URL,
      ...rest: A
    ) => {
      this.#block(name, path);
      return call(path, ...rest);
    };
    const { readDir } = Deno;
    this.fs = {
      ...Deno,
      lstat: later(Deno.lstat),
      stat: later(Deno.stat),
      realPath: later(Deno.realPath),
      open: later(Deno.open),
      statExactLater: later((path, follow: boolean) => statExactLater(String(path), follow)),
      async *readDir(path) {
        await later(() => Promise.resolve())(path);
        yield* readDir(path);
      },
      statExact: now("stat", (path, follow: boolean) => statExact(String(path), follow)),
      statSync: now("stat", Deno.statSync),
      lstatSync: now("lstat", Deno.lstatSync),
      realPathSync: now("real path", Deno.realPathSync),
      readDirSync: now("list", Deno.readDirSync),
      openSync: now("open", Deno.openSync),
      readTextFileSync: now("read", Deno.readTextFileSync),
      mkdirSync: (path, options) => {
        if (String(path).includes("/item-")) this.isRunning = true;
        Deno.mkdirSync(path, options);
      },
    };
  }

  /** All that hangs ends. */
  wake(): void {
    this.#wake.promise.catch(() => {});
    this.#wake.reject(new Deno.errors.TimedOut("the share was away"));
    this.#wake = Promise.withResolvers();
    this.silentFrom = Infinity;
    this.isRunning = false;
    this.calls = 0;
  }

  #isHere(path: string | URL): boolean {
    return this.isRunning && `${path}/`.startsWith(`${this.root}/`);
  }

  /** The manifest may be read and written at once, when the share answered just before. */
  #block(name: string, path: string | URL): void {
    if (!this.#isHere(path)) return;
    const isManifest = String(path).includes("/.QH_manifest.yaml");
    if (this.calls >= this.silentFrom || !isManifest) this.blocking.push(`${name} ${path}`);
  }
}

Deno.test("a share that stops answering at any moment of a run keeps nobody waiting, and costs no attempt (D11)", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const root = join(folder, "share");
  const share = new Share(root);
  const env: Env = {
    ...systemEnv,
    fs: share.fs,
    // Patience is short here.
    sleep: (ms, signal) => systemEnv.sleep(ms >= 20_000 ? 300 : ms, signal),
  };
  let count = 0;
  const measure = async () => {
    const run = join(root, `run ${++count}`);
    await Deno.mkdir(run, { recursive: true });
    await Deno.writeTextFile(join(run, "_QH_dataset_info.yaml"), "version: 0.1\n");
    for (const [name, size] of [["a.txt", 10], ["b.bin", 2_000_000]] as const) {
      await Deno.writeFile(join(run, name), new Uint8Array(size).fill(count));
      await Deno.utime(join(run, name), 1_700_000_000, 1_700_000_000 + count);
    }
  };
  await measure();
  const agent = await Agent.open({ home: join(folder, "home"), env });
  try {
    await agent.sources.add({
      name: "share",
      backend: "etiket_sync_agent_folderbase",
      config: { root_directory: root, is_server_folder: true },
      scope: "default",
    });
    assertEquals((await agent.once({ iterations: 1 })).files_uploaded, 2);
    assertEquals(share.blocking, []);
    const calls = share.calls;
    assert(calls > 12, `${calls} calls`);
    for (let from = 1; from <= calls; from += 4) {
      share.wake();
      await measure();
      share.silentFrom = from;
      const report = await agent.once({ iterations: 1 });
      assertEquals(share.blocking, [], `silent from call ${from} of ${calls} on`);
      assertEquals(report.sources[0]?.items_synchronized, count - 1, `silent from call ${from}`);
      const item = agent.catalog.items.byIdentifier(1, `run ${count}`);
      assertEquals([item?.state, item?.attempts], ["waiting", 0], `silent from call ${from}`);
      share.wake();
      assertEquals((await agent.once({ iterations: 1 })).sources[0]?.items_synchronized, count);
    }
  } finally {
    share.wake();
    await agent.close();
    await Deno.remove(folder, { recursive: true });
  }
});
