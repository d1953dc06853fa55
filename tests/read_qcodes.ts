/** Reads runs with the QCoDeS backend as the agent would, into folders that are removed at the end. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import backend from "../backends/qcodes/mod.ts";
import type { Config, DiscoveredItem } from "../src/kit/define_backend.ts";
import type { DatasetDraft, ReadResult } from "../src/kit/drafts.ts";

export class QcodesReader implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly config: Config;

  constructor(database: string, config: Config = {}) {
    this.config = { database_path: database, set_up: "fridge 1", ...config };
  }

  /** All pages of a first discovery. */
  async discoverAll(): Promise<DiscoveredItem[]> {
    const items: DiscoveredItem[] = [];
    let since: unknown;
    for (let more = true; more;) {
      const page = await backend.discover(this.config, since);
      // The agent keeps cursors as JSON.
      since = JSON.parse(JSON.stringify(page.cursor));
      more = page.more;
      items.push(...page.items);
    }
    return items;
  }

  async read(run: number | string): Promise<ReadResult> {
    const staging = join(this.#folder, crypto.randomUUID());
    mkdirSync(staging);
    return await backend.read(this.config, { identifier: String(run), path: "" }, {
      staging,
      version: "test",
      converters: [],
      timeZone: "Europe/Amsterdam",
      newest: false,
      now: Date.now(),
    });
  }

  /** Reads a run that has to give a draft. */
  async draft(run: number | string): Promise<DatasetDraft> {
    const result = await this.read(run);
    if ("draft" in result) return result.draft;
    throw new Error(`run ${run}: ${result.not_started}`);
  }

  /** Reads a run that has to give a file. @returns its path */
  async file(run: number | string): Promise<string> {
    const { files, problems } = await this.draft(run);
    const [file] = files;
    if (!file) throw new Error(`run ${run}: no file, ${JSON.stringify(problems)}`);
    return file.path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
