/** The platform equals the source, exactly once. */
import { Buffer } from "node:buffer";
import type { Catalog } from "../../src/catalog/catalog.ts";
import type { ItemRow } from "../../src/catalog/item_rows.ts";
import type { Lab, Measurement } from "./lab.ts";
import { md5Of, type Platform, type PlatformFile } from "./platform.ts";
import {
  contentOf,
  converted,
  filesBelow,
  INFO,
  type Info,
  infoSchema,
  plainInfo,
  summaryOf,
  thumbnailOf,
} from "./readers.ts";
import type { World } from "./world.ts";

/** Longer than the agent needs to notice and publish a change, ms. */
const NEAR_MS = 60_000;

export interface Checked {
  world: World;
  lab: Lab;
  catalog: Catalog;
  sources: { id: number; root: string; scope: string }[];
}

/** @returns what is wrong, in words */
export function checkInvariant(checked: Checked): string[] {
  return new Check(checked).run();
}

class Check {
  readonly #problems: string[] = [];
  readonly #platform: Platform;

  constructor(private readonly c: Checked) {
    this.#platform = c.world.platform;
  }

  run(): string[] {
    const { world, lab } = this.c;
    this.#problems.push(...world.violations, ...world.platform.violations.map((v) => `contract: ${v}`));
    const datasets = new Map<string, Measurement>();
    for (const m of lab.present) {
      const uuid = this.#measurement(m);
      const other = uuid === undefined ? undefined : datasets.get(uuid);
      if (other) this.#problem(`${m.path} and ${other.path} share dataset ${uuid}`);
      if (uuid !== undefined) datasets.set(uuid, m);
    }
    this.#onePerFolder();
    this.#versions();
    this.#items();
    for (const [id, upload] of this.#platform.uploads) {
      if (this.#platform.strays.has(id)) continue;
      this.#problem(`upload ${id} of ${upload.key} is left open`);
    }
    // What could not be removed is removed at the next start.
    const failsOnDisk = ["EIO", "EACCES", "EMFILE", "ENOSPC"] as const;
    const left = failsOnDisk.some((f) => world.happened.has(f)) ? [] : world.disk.list("/agent/staging");
    for (const { name } of left) this.#problem(`${name} is left in the staging folder`);
    return this.#problems;
  }

  #problem(what: string): void {
    this.#problems.push(what);
  }

  /** A dataset folder that is there is on the platform with all its files. @returns its dataset */
  #measurement(m: Measurement & { path: string }): string | undefined {
    const source = this.c.sources.find((s) => s.root === m.source);
    const identifier = m.path.slice(m.source.length + 1);
    const item = source && this.c.catalog.items.byIdentifier(source.id, identifier);
    if (!source || !item) return void this.#problem(`${m.path} is no item`);
    if (item.state !== "done") {
      this.#problem(`${m.path} is ${item.state}: ${item.reason?.code} ${item.reason?.message}`);
    }
    const dataset = this.#platform.datasets.get(item.dataset_uuid);
    if (!dataset) return void this.#problem(`${m.path} has no dataset on the platform`);
    if (dataset.scope_uuid !== source.scope) this.#problem(`${m.path} is in scope ${dataset.scope_uuid}`);
    const info = this.#infoOf(m);
    const wanted = { name: info.name, keywords: [...info.keywords].sort(), ranking: info.ranking };
    const is = { name: dataset.name, keywords: [...dataset.keywords].sort(), ranking: dataset.ranking };
    this.#equal(`metadata of ${m.path}`, is, wanted);
    const { origin: _, ...attributes } = dataset.attributes;
    this.#equal(`attributes of ${m.path}`, attributes, info.attributes);
    this.#files(m, item, info);
    return item.dataset_uuid;
  }

  #infoOf(m: Measurement & { path: string }): Info {
    if (!m.marked) return plainInfo(m.path);
    return infoSchema.parse(
      JSON.parse(Buffer.from(this.c.world.disk.file(`${m.path}/${INFO}`).bytes).toString()),
    );
  }

  /** The newest version of each file is what the file is now. */
  #files(m: Measurement & { path: string }, item: ItemRow, info: Info): void {
    const { disk } = this.c.world;
    const names = filesBelow({ readDirSync: (path) => disk.list(String(path)).values() }, m.path, m.marked);
    const expect = (name: string, isIt: (bytes: Uint8Array) => boolean) => {
      const newest = this.#secured(item.dataset_uuid, name).at(-1);
      if (!newest) return this.#problem(`${m.path}: "${name}" is not on the platform`);
      if (!isIt(this.#bytesOf(newest))) this.#problem(`${m.path}: "${name}" is not what is on the platform`);
    };
    const equals = (wanted: Uint8Array) => (bytes: Uint8Array) => Buffer.compare(bytes, wanted) === 0;
    for (const name of names) {
      const { bytes } = disk.file(`${m.path}/${name}`);
      if (name.endsWith(".h5")) expect(name, (is) => equals(contentOf(bytes))(contentOf(is)));
      else expect(name, equals(bytes));
      const output = name.replace(/\.csv$/, ".txt");
      if (output !== name) {
        const named = names.includes(output) ? name.replace(/\.csv$/, ".from_csv.txt") : output;
        expect(named, equals(converted(bytes)));
      }
    }
    const picture = names.find((n) => n.endsWith(".png"));
    // An image that kills its reader has no thumbnail (F16).
    if (picture && !this.c.world.happened.has("reader_crash")) {
      expect("__thumbnail_0", equals(thumbnailOf(disk.file(`${m.path}/${picture}`).bytes)));
    }
    if (info.summary) {
      const { files } = JSON.parse(summaryOf(names, info)) as { files: string[] };
      expect("summary.json", (is) => {
        const made = JSON.parse(Buffer.from(is).toString()) as { files: string[] };
        return JSON.stringify(made.files) === JSON.stringify(files);
      });
    }
  }

  /** No folder has two datasets. */
  #onePerFolder(): void {
    const seen = new Map<string, string>();
    for (const { uuid, attributes, name } of this.#platform.datasets.values()) {
      const origin = attributes.origin ?? "";
      const other = seen.get(origin);
      const measurement = this.c.lab.measurements.find((m) => m.origin === origin);
      if (other && !(measurement && this.#isUnrecognizable(measurement))) {
        this.#problem(`folder ${origin} ("${name}") has two datasets: ${other} and ${uuid}`);
      }
      seen.set(origin, uuid);
    }
  }

  /** A folder without a manifest is known by its files (D14): when they change while it moves, nobody can tell. */
  #isUnrecognizable({ marked, movedAt, writtenAt }: Measurement): boolean {
    const { happened } = this.c.world;
    if (marked || movedAt.length === 0) return false;
    if (happened.size > 0) return true;
    return movedAt.some((moved) => writtenAt.some((at) => Math.abs(at - moved) < NEAR_MS));
  }

  /** Each secured version is a state that its file had, and none is there twice in a row. */
  #versions(): void {
    const byFile = Map.groupBy(this.#platform.files.values(), (f) => `${f.ds_uuid} ${f.name}`);
    for (const [key, versions] of byFile) {
      if (new Set(versions.map((v) => v.uuid)).size > 1) this.#problem(`${key} has two file uuids`);
      const secured = this.#secured(versions[0]?.ds_uuid ?? "", versions[0]?.name ?? "");
      const states = this.#statesOf(secured[0]);
      let before: string | undefined;
      for (const v of secured) {
        const bytes = this.#bytesOf(v);
        const md5 = md5Of(v.name.endsWith(".h5") ? contentOf(bytes) : bytes);
        // An HDF5 file that kills the reader that looks into it is known by its bytes alone (F9).
        const isOpaque = v.name.endsWith(".h5") && this.c.world.happened.has("reader_crash");
        if (md5 === before && !isOpaque) {
          this.#problem(`${key}: version ${v.version_id} equals the one before`);
        }
        before = md5;
        if (states && !states.has(md5Of(bytes))) {
          this.#problem(`${key}: version ${v.version_id} is no state that the file ever had`);
        }
      }
    }
  }

  /** What a file may have been; undefined for files that the agent makes. */
  #statesOf(file: PlatformFile | undefined): Set<string> | undefined {
    if (!file || file.file_generator !== "" || /^__thumb|^summary\.json$/.test(file.name)) return undefined;
    const { measurements } = this.c.lab;
    // Files of a nested dataset belong to the outer one until its info file is written.
    if (file.name.includes("run ")) {
      return new Set(measurements.flatMap((m) => [...m.history.values()].flatMap((states) => [...states])));
    }
    const origin = this.#platform.datasets.get(file.ds_uuid)?.attributes.origin;
    const states = measurements.filter((m) => m.origin === origin)
      .flatMap((m) => [...m.history.get(file.name) ?? []]);
    return new Set(states);
  }

  /** Each item is what its folder says; the counters count them. */
  #items(): void {
    const { catalog, lab, sources } = this.c;
    for (const { id, root } of sources) {
      const items = catalog.items.list({ source_id: id, limit: 10_000, offset: 0 });
      for (const item of items) {
        const isThere = lab.present.some((m) => m.path === `${root}/${item.identifier}`);
        const isGone = item.state === "deleted_locally" || item.state === "vanished";
        if (!isThere && !isGone) this.#problem(`${item.identifier} is gone and ${item.state}`);
        if (item.state === "done" && (item.attempts !== 0 || item.reason !== null)) {
          this.#problem(`${item.identifier} is done with ${item.attempts} attempts, ${item.reason?.code}`);
        }
      }
      const count = (...states: string[]) => items.filter((i) => states.includes(i.state)).length;
      this.#equal(`counters of ${root}`, catalog.sources.counters(id), {
        total: items.length,
        synchronized: count("done", "deleted_locally"),
        failed: count("retry_wait", "quarantined", "vanished"),
        unmapped: count("unmapped"),
      });
      const state = catalog.sources.byId(id)?.state;
      if (state !== "scanning") this.#problem(`source ${root} is ${state}`);
    }
  }

  /** Oldest first. */
  #secured(dataset: string, name: string): PlatformFile[] {
    return this.#platform.filesOf(dataset)
      .filter((f) => f.name === name && f.status === "secured")
      .sort((a, b) => a.version_id - b.version_id);
  }

  #bytesOf({ uuid, version_id }: PlatformFile): Uint8Array {
    return this.#platform.objects.get(`${uuid}/${version_id}`) ?? new Uint8Array();
  }

  #equal(what: string, is: unknown, wanted: unknown): void {
    if (canonical(is) !== canonical(wanted)) {
      this.#problem(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`);
    }
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, v: unknown) =>
      typeof v === "object" && v !== null && !Array.isArray(v)
        ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1))
        : v,
  );
}
