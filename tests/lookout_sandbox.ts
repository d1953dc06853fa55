/** A source on a disk in memory that is kept an eye on, in virtual time. */
import { createLookout } from "../src/engine/lookout/create_lookout.ts";
import type { FolderSourcePlan } from "../src/engine/services.ts";
import type { Lookout } from "../src/engine/lookout/lookout.ts";
import type { Env } from "../src/env.ts";
import { SyncError } from "../src/kit/errors.ts";
import { DiscoverySandbox } from "./discovery_sandbox.ts";
import { FakeEnv, type FakeEnvOptions } from "./simulator/fake_env.ts";

export const INFO = "_QH_dataset_info.yaml";

export class LookoutSandbox extends DiscoverySandbox {
  readonly lookout: Lookout;
  /** What the user was told. */
  readonly notices: SyncError[] = [];
  /** Why looking ended. */
  error: SyncError | undefined;
  readonly #control = new AbortController();
  readonly #end: Promise<void>;

  constructor(temp: string, readonly fake: FakeEnv, env: Env, plan: Partial<FolderSourcePlan>) {
    super(temp, { root: "/data", ...plan }, env);
    this.lookout = createLookout(this.s, this.source, {
      onFound: () => {},
      onNotice: (error) => this.notices.push(error),
    });
    this.#end = this.#run();
  }

  /** Writes a file and, unless told otherwise, tells the watch of it as inotify does. */
  write(path: string, text: string, told = true): void {
    const { disk } = this.fake;
    const parent = `/data/${path}`.replace(/\/[^/]*$/, "");
    const made = disk.find(parent) ? `/data/${path}` : topmostMissing(disk, parent);
    disk.mkdir(parent, true);
    disk.write(disk.touch(`/data/${path}`, { truncate: true }), 0, new TextEncoder().encode(text));
    if (told) this.tell(made);
  }

  dataset(path: string, told = true): void {
    this.write(`${path}/${INFO}`, "", told);
    this.write(`${path}/x.txt`, "1", told);
  }

  /** An event, if anybody watches. */
  tell(...paths: string[]): void {
    this.fake.watches.get("/data")?.onPaths(paths);
  }

  async until(condition: () => boolean, limit: number): Promise<boolean> {
    return await this.fake.clock.until(condition, limit);
  }

  async end(): Promise<void> {
    this.#control.abort(new Error("the test is over"));
    await this.#end;
    this.lookout.close();
    this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#control;
    try {
      while (!signal.aborted) await this.lookout.look(signal);
    } catch (e) {
      if (!signal.aborted) this.error = SyncError.from(e);
    }
  }
}

/** Runs `work` with a source on `/data`; `env` may change what the outside world does. */
export async function withLookout(
  plan: Partial<FolderSourcePlan>,
  work: (box: LookoutSandbox) => Promise<void>,
  options: FakeEnvOptions & { env?: (fake: FakeEnv) => Env; before?: (fake: FakeEnv) => void } = {},
): Promise<void> {
  const temp = Deno.makeTempDirSync();
  const fake = new FakeEnv(options);
  fake.disk.mkdir("/data");
  options.before?.(fake);
  const box = new LookoutSandbox(temp, fake, options.env?.(fake) ?? fake, plan);
  try {
    await fake.clock.settle();
    await work(box);
  } catch (e) {
    // What ended the looking explains a test that failed better than what the test missed.
    throw box.error ? new Error(`looking ended: ${box.error.stack}`, { cause: e }) : e;
  } finally {
    await box.end();
    await Deno.remove(temp, { recursive: true });
  }
}

function topmostMissing(disk: FakeEnv["disk"], path: string): string {
  const parent = path.replace(/\/[^/]*$/, "");
  return disk.find(parent) ? path : topmostMissing(disk, parent);
}
