/** One life of the agent, from its start to its end or death: after that nothing it does has an effect. */
import { FakeEnv } from "./fake_env.ts";
import type { FileCall } from "./fake_file_system.ts";
import type { Fault, Operation } from "./faults.ts";
import { systemError } from "./system_errors.ts";
import type { World } from "./world.ts";
import type { FolderWatch, WatchEvents } from "../../src/env.ts";

/** Thrown by what a dead agent calls; nobody is there to catch it. */
export class Killed extends Error {
  constructor() {
    super("the agent is dead");
  }
}

/** Never ends: what a dead agent waits for. */
const never = () => new Promise<never>(() => {});

/** Files that the agent may write below a user's folder (R5). */
const MANIFEST = /\/\.QH_manifest\.yaml[^/]*$/;

export class Life {
  readonly env: LifeEnv;
  dead = false;
  powerCut = false;
  readonly died = Promise.withResolvers<void>();

  /** @param readBefore called while the agent reads a file, before it gets the bytes */
  constructor(readonly world: World, seed: number, private readonly readBefore: (path: string) => void) {
    this.env = new LifeEnv(this, seed);
  }

  /** Counts an operation; kills the agent when that is what happens. @returns other faults */
  operation(operation: Operation): Fault | undefined {
    this.guard();
    const fault = this.world.operation(operation);
    if (fault !== "kill" && fault !== "power_cut") return fault;
    this.kill(fault === "power_cut");
    throw new Killed();
  }

  kill(powerCut: boolean): void {
    this.dead = true;
    this.powerCut = powerCut;
    this.world.note(powerCut ? "** the power is cut" : "** the agent is killed");
    this.died.resolve();
  }

  /** @throws Killed */
  guard(): void {
    if (this.dead) throw new Killed();
  }

  /** Waits as long as the agent lives. */
  async wait(ms: number): Promise<void> {
    await this.world.clock.sleep(ms);
    if (this.dead) await never();
  }

  /** Runs something of the agent's that takes time; dying, it never ends. */
  async alive<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.guard();
      const result = await work();
      if (this.dead) return await never();
      return result;
    } catch (e) {
      if (this.dead) return await never();
      throw e;
    }
  }

  /** A call on the disk, before it takes effect. */
  fileCall({ name, path, writes }: FileCall): void {
    if (writes && path.startsWith("/lab/") && !MANIFEST.test(path)) {
      this.world.violations.push(`the agent writes to the source: ${name} ${path}`);
    }
    let fault = this.operation({ kind: writes ? "write" : "read", what: `${name} ${shown(path)}` });
    // What the agent made itself it may read.
    if (fault === "EACCES" && !writes && path.startsWith("/agent/")) fault = "EIO";
    if (fault === "EIO" || fault === "EACCES" || fault === "EMFILE" || fault === "ENOSPC") {
      throw systemError(fault, path);
    }
  }

  reading(path: string): void {
    this.readBefore(path);
  }
}

/** Names without what is different in each run. */
function shown(path: string): string {
  return path.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "~");
}

/** The environment of one life. */
class LifeEnv extends FakeEnv {
  constructor(private readonly life: Life, seed: number) {
    super({
      seed,
      clock: life.world.clock,
      disk: life.world.disk,
      hooks: {
        before: (call) => life.fileCall(call),
        beforeLater: () => life.dead ? never() : Promise.resolve(),
        reading: (path) => life.reading(path),
      },
    });
  }

  override now(): number {
    this.life.guard();
    return super.now();
  }

  override monotonic(): number {
    this.life.guard();
    return super.monotonic();
  }

  override random(): number {
    this.life?.guard();
    return super.random();
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { life } = this;
    if (life.dead) return never();
    return super.sleep(ms, signal).then(() => life.dead ? never() : undefined);
  }

  override watch(root: string, events: WatchEvents): FolderWatch {
    this.life.guard();
    return super.watch(root, {
      onPaths: (paths) => this.life.dead || events.onPaths(paths),
      onLost: (reason) => this.life.dead || events.onLost(reason),
      onEnd: (reason) => this.life.dead || events.onEnd(reason),
    });
  }
}
