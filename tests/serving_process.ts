/** `serve` of the real command line in a process of its own, for tests that need an agent at work. */
import { join } from "node:path";
import { z } from "zod";
import { REPOSITORY } from "../src/cli/test_cli.ts";
import { SyncClient } from "../src/sdk/client.ts";
import type { Activity } from "../src/sdk/schemas.ts";

const Started = z.object({ pid: z.number(), url: z.string(), home: z.string() });

/** Longest wait for what a test waits for, ms; only a failing test waits that long. */
const PATIENCE_MS = 60_000;

export class ServingProcess {
  readonly client: SyncClient;

  private constructor(
    private readonly child: Deno.ChildProcess,
    /** Base address of its local API. */
    readonly url: string,
    readonly token: string,
    private readonly stderr: Promise<string>,
    private readonly stdout: Promise<string>,
  ) {
    this.client = new SyncClient({ url, token });
  }

  /** Starts it on a free port and waits until it answers. */
  static async start(home: string, ...args: string[]): Promise<ServingProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "main.ts", "serve", "--port", "0", "--json", ...args],
      cwd: REPOSITORY,
      env: { NO_COLOR: "1", ETIKET_SYNC_HOME: home },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stderr = new Response(child.stderr).text();
    const [first, rest] = child.stdout.tee();
    const stdout = new Response(rest).text();
    let said = "";
    for await (const chunk of first.pipeThrough(new TextDecoderStream())) {
      said += chunk;
      if (said.trimEnd().endsWith("}")) break;
    }
    if (said === "") throw new Error(`serve ended with ${(await child.status).code}: ${await stderr}`);
    const { url } = Started.parse(JSON.parse(said));
    const token = (await Deno.readTextFile(join(home, "api.token"))).trim();
    return new ServingProcess(child, url, token, stderr, stdout);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Waits for a state of things. @throws Error with the last one when it does not come */
  async until(what: string, holds: (activity: Activity) => boolean): Promise<Activity> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    let last: Activity | undefined;
    for await (const activity of this.client.activities(patience)) {
      if (holds(activity)) return activity;
      last = activity;
    }
    throw new Error(`${what} did not come: ${JSON.stringify(last, null, 1)}`);
  }

  /** All items of all sources are synchronized, so many in total. */
  async synchronized(items: number): Promise<Activity> {
    return await this.until(`${items} synchronized items`, ({ sources }) => {
      const sum = (of: "items_total" | "items_synchronized") => sources.reduce((n, s) => n + s[of], 0);
      return sum("items_synchronized") === items && sum("items_total") === items;
    });
  }

  /** Sends a signal and waits for the end. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<{ code: number; stderr: string }> {
    this.child.kill(signal);
    const { code } = await this.child.status;
    await this.stdout;
    return { code, stderr: await this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = setTimeout(() => this.#signal("SIGKILL"), 15_000);
    this.#signal("SIGTERM");
    await this.child.status;
    clearTimeout(late);
    await Promise.all([this.stdout, this.stderr]);
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.child.kill(signal);
    } catch {
      // It has ended.
    }
  }
}
