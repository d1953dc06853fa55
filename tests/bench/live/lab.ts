/** Sources of each kind with writers of their own, for the benchmarks of running measurements. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { CoreToolsLab } from "../../../backends/core_tools/testing.ts";
import type { SourceSettings } from "../../faults/every_source.ts";

export const PYTHON = Deno.env.get("ETIKET_BENCH_PYTHON") ?? "python3";
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export const KINDS = ["qcodes", "quantify", "core_tools", "labber", "swmr", "csv"] as const;
export type Kind = typeof KINDS[number];

export interface WriterOptions {
  points: number;
  /** Pause between points, s; 0: as fast as it goes. */
  interval: number;
  /** Size of the file beforehand, MiB. */
  fill: number;
  /** The point before which it waits to be told to go on. */
  pause?: number;
}

const Connection = z.record(z.string(), z.union([z.string(), z.number()]));

/** Data of one kind below a folder. */
export class Lab implements AsyncDisposable {
  #postgres?: CoreToolsLab;

  private constructor(readonly kind: Kind, readonly folder: string) {}

  static async make(kind: Kind, folder: string): Promise<Lab> {
    const lab = new Lab(kind, folder);
    await Deno.mkdir(folder, { recursive: true });
    if (kind === "core_tools") lab.#postgres = await CoreToolsLab.start();
    return lab;
  }

  /** Name of its backend and its configuration. */
  source(): Pick<SourceSettings, "backend" | "config"> {
    const { folder } = this;
    const server = { is_server_folder: false };
    switch (this.kind) {
      case "qcodes":
        return { backend: "qcodes", config: { database_path: this.#database, set_up: "bench" } };
      case "quantify":
        return { backend: "quantify", config: { quantify_directory: folder, set_up: "bench", ...server } };
      case "labber":
        return { backend: "labber", config: { labber_directory: folder, set_up: "bench", ...server } };
      case "core_tools":
        return { backend: "core_tools", config: Connection.parse(this.#postgres?.config) };
      case "swmr":
      case "csv":
        return { backend: "folderbase", config: { root_directory: folder, ...server } };
    }
  }

  /** Starts a measurement; it waits for its first line of input. */
  writer(name: string, { points, interval, fill, pause }: WriterOptions): Writer {
    const { dbname, user, password, host, port } = this.#postgres?.config ?? {};
    const target = this.#postgres
      ? `host=${host} port=${port} dbname=${dbname} user=${user} password='${password}'`
      : this.kind === "qcodes"
      ? this.#database
      : this.kind === "swmr" || this.kind === "csv"
      ? join(this.folder, name)
      : this.folder;
    const options = { points, interval, fill, name, ...pause === undefined ? {} : { pause } };
    const flags = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
    return new Writer([here("writer.py"), this.kind, target, ...flags]);
  }

  /** The approach to compare with, following the newest run. */
  peer(): Writer {
    return new Writer([here("peer.py"), this.kind, this.kind === "qcodes" ? this.#database : this.folder]);
  }

  get #database(): string {
    return join(this.folder, "runs.db");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postgres?.[Symbol.asyncDispose]();
  }
}

/** A Python process that tells what it does in lines of JSON. */
export class Writer {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;

  constructor(args: string[]) {
    this.#child = new Deno.Command(PYTHON, { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
      .spawn();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** What it says next; undefined when it has ended. Lines that are no JSON are the library's. */
  async next(): Promise<Record<string, unknown> | undefined> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return undefined;
      if (value.startsWith("{")) return JSON.parse(value);
    }
  }

  /** Until it stands ready. */
  async ready(): Promise<void> {
    if (!(await this.next())?.start) throw new Error("the writer did not start");
  }

  /** Lets it measure, or a peer end. */
  async go(): Promise<void> {
    await this.goToPause();
    await this.#child.stdin.close();
  }

  /** Lets it measure up to where it waits again. */
  async goToPause(): Promise<void> {
    const stdin = this.#child.stdin.getWriter();
    await stdin.write(new TextEncoder().encode("\n"));
    stdin.releaseLock();
  }

  /** Waits for its end. @returns how long writing each point took, s, the values of the points, and how many bytes were written */
  async ended(): Promise<Ended> {
    let last: unknown;
    for (let said = await this.next(); said; said = await this.next()) last = said;
    await this.#child.status;
    return Ended.parse(last);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

const Ended = z.object({ busy: z.array(z.number()), stamps: z.array(z.number()), written: z.number() });
type Ended = z.infer<typeof Ended>;

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let pending = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (pending + text).split("\n");
    pending = lines.pop() ?? "";
    yield* lines;
  }
}
