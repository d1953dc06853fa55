/** Reads runs with the resonance backend as the agent would, into folders that are removed at the end. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import backend from "../backends/resonance/mod.ts";
import type { Config, DiscoveredItem, DiscoveryPage } from "../src/kit/define_backend.ts";
import type { DatasetDraft, ReadResult } from "../src/kit/drafts.ts";
import { type NetcdfContent, netcdfContent } from "./netcdf_content.ts";

/** A draft with the content of its netCDF files by logical name. */
export interface ReadRun {
  draft: DatasetDraft;
  netcdf: Record<string, NetcdfContent>;
}

export class ResonanceReader implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  #since: unknown;

  /** @param config `database_path` or `data_directory`, and more */
  constructor(readonly config: Config) {}

  /** All pages of the next round of discovery. */
  async discover(): Promise<{ items: DiscoveredItem[]; unmatched: DiscoveryPage["unmatched"] }> {
    const items: DiscoveredItem[] = [];
    for (;;) {
      const page = await backend.discover(this.config, this.#since);
      // The agent keeps cursors as JSON.
      this.#since = JSON.parse(JSON.stringify(page.cursor));
      items.push(...page.items);
      if (!page.more) return { items, unmatched: page.unmatched };
    }
  }

  async read(identifier: string, now: { newest?: boolean; now?: number } = {}): Promise<ReadResult> {
    const staging = join(this.#folder, crypto.randomUUID());
    mkdirSync(staging);
    return await backend.read(this.config, { identifier, path: "" }, {
      staging,
      version: "test",
      converters: [],
      timeZone: "Europe/Amsterdam",
      newest: now.newest ?? false,
      now: now.now ?? Date.now(),
    });
  }

  /** Reads a run that has to give a draft, with its files. */
  async run(identifier: string): Promise<ReadRun> {
    const result = await this.read(identifier);
    if ("not_started" in result) throw new Error(`run ${identifier}: ${result.not_started}`);
    const netcdf: ReadRun["netcdf"] = {};
    for (const { name, path, type } of result.draft.files) {
      if (type === "HDF5_NETCDF") netcdf[name] = await netcdfContent(path);
    }
    return { draft: result.draft, netcdf };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
