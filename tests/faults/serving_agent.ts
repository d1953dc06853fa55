/** `serve` in a process of its own, started and ended as often as a test likes. */
import { DatabaseSync } from "node:sqlite";
import { REPOSITORY } from "../../src/cli/test_cli.ts";
import { z } from "zod";
import { assertEquals } from "../assert.ts";
import { untilNoneIsLeft } from "./processes.ts";

/** Time for a machine under load, not a promise to users. */
const PATIENCE_MS = 60_000;

export interface ServeOptions {
  /** A program that runs the agent: a tracer, a shell that sets limits. */
  prefix?: readonly string[];
  env?: Record<string, string>;
}

const Status = z.looseObject({
  state: z.string(),
  reason: z.looseObject({ code: z.string(), class: z.string(), message: z.string(), hint: z.string() })
    .nullable(),
});

export class ServingAgent implements AsyncDisposable {
  #stderr = "";
  #ended: Promise<Deno.CommandStatus> | undefined;

  private constructor(
    readonly home: string,
    readonly port: number,
    private readonly child: Deno.ChildProcess,
  ) {
    child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({ write: (text) => void (this.#stderr += text) }),
    ).catch(() => {});
  }

  /** Starts it, in a process group of its own, and does not wait. */
  static start(home: string, { prefix = [], env = {} }: ServeOptions = {}): ServingAgent {
    const port = freePort();
    const agent = [Deno.execPath(), "run", "-A", "--quiet", "main.ts", "serve", "--port", String(port)];
    const [program = "", ...args] = [...prefix, ...agent];
    const child = new Deno.Command(program, {
      args,
      cwd: REPOSITORY,
      env: { ETIKET_SYNC_HOME: home, NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      detached: true,
    }).spawn();
    return new ServingAgent(home, port, child);
  }

  get pid(): number {
    return this.child.pid;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get ended(): Promise<Deno.CommandStatus> {
    return this.#ended ??= this.child.status;
  }

  /** State of the agent as its local API tells it; undefined while it does not answer. */
  async status(): Promise<z.infer<typeof Status> | undefined> {
    try {
      const reply = await fetch(`http://127.0.0.1:${this.port}/api/v1/sync/agent/status`);
      return Status.parse(await reply.json());
    } catch (e) {
      if (e instanceof TypeError) return undefined;
      throw e;
    }
  }

  async untilState(state: string): Promise<z.infer<typeof Status>> {
    let last: z.infer<typeof Status> | undefined;
    await this.until(
      `the agent is ${state}`,
      async () => (last = await this.status())?.state === state,
      () => last,
    );
    if (!last) throw new Error("no status");
    return last;
  }

  /** Until nothing is left to do: every item is in one of the states. */
  async untilItemsAre(count: number, ...states: string[]): Promise<void> {
    await this.until(
      `${count} items are ${states}`,
      () => {
        const found = itemStates(this.home);
        return found.size > 0 && [...found.values()].reduce((a, b) => a + b, 0) === count &&
          [...found.keys()].every((s) => states.includes(s));
      },
      () => [...itemStates(this.home)],
    );
  }

  /** Waits for a condition while the agent is alive. @param about what is shown when it does not come true */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    about?: () => unknown,
  ): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    let code: number | undefined;
    this.ended.then((s) => code = s.code);
    while (!await condition()) {
      const why = code !== undefined
        ? `the agent ended with ${code}`
        : Date.now() > end
        ? "waited in vain"
        : undefined;
      if (why) throw new Error(`${why}: ${what} ${JSON.stringify(about?.())}\n${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it as a user would, once it serves: one that still starts just dies of the signal. @returns its exit code */
  async stop(): Promise<number> {
    await this.until("the agent answers", async () => await this.status() !== undefined);
    Deno.kill(-this.child.pid, "SIGTERM");
    return (await this.ended).code;
  }

  /** @param whole its readers, too, at the same moment */
  async kill(whole: boolean): Promise<void> {
    Deno.kill(whole ? -this.child.pid : this.child.pid, "SIGKILL");
    await this.ended;
    await untilNoneIsLeft(this.home);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended;
  }
}

/** How many items are in which state, by a look into the catalog from outside. */
export function itemStates(home: string): Map<string, number> {
  return onCatalog(home, (db) => {
    const rows = db.prepare("SELECT state, count(*) AS n FROM items GROUP BY state").all();
    return new Map(rows.map((r) => [String(r.state), Number(r.n)]));
  }) ?? new Map();
}

/** @returns undefined while there is no catalog yet */
export function onCatalog<T>(home: string, look: (db: DatabaseSync) => T): T | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(`${home}/catalog.db`, { readOnly: true, timeout: 5000 });
    return look(db);
  } catch (e) {
    if (/no such table|unable to open/.test(String(e))) return undefined;
    throw e;
  } finally {
    db?.close();
  }
}

/** Nobody's counted failure: what lies outside of an item is never held against it (L9). */
export function assertNothingCounted(home: string): void {
  const counted = onCatalog(
    home,
    (db) => db.prepare("SELECT identifier, attempts, reason FROM items WHERE attempts > 0").all(),
  );
  assertEquals(counted?.map((r) => ({ ...r })), []);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  if (listener.addr.transport !== "tcp") throw new Error("no port");
  return listener.addr.port;
}
