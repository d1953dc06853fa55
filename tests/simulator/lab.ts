/** People and programs that make, change, move and remove data while the agent works, and the account of all they ever wrote. */
import { Buffer } from "node:buffer";
import type { Random } from "../faults/prng.ts";
import { INFO, type Info } from "./readers.ts";
import { md5Of } from "./platform.ts";
import type { World } from "./world.ts";

/** A dataset folder of the lab, wherever it is now. */
export interface Measurement {
  /** Present folder; null when it was deleted. */
  path: string | null;
  source: string;
  marked: boolean;
  /** File id of its folder, which stays when it is moved. */
  origin: string;
  /** md5 of every state that its files ever had, by name. */
  history: Map<string, Set<string>>;
  /** When it was written to, and when it was moved, elapsed ms. */
  writtenAt: number[];
  movedAt: number[];
  /** Somebody made a copy of it: from then on it stays where it is, else nobody could tell which of them is which. */
  copied: boolean;
}

export interface LabOptions {
  /** Folders of sources: with info files, and without. */
  marked: string;
  plain: string;
  /** Told of every path that changed. */
  onChange(paths: string[]): void;
}

const NAMES = [
  "raw.bin",
  "table.csv",
  "notes.txt",
  "sub/more.bin",
  "data.h5",
  "plot.png",
  "big.dat",
] as const;

export class Lab {
  readonly measurements: Measurement[] = [];
  #count = 0;
  readonly #random: Random;

  constructor(private readonly world: World, private readonly options: LabOptions) {
    this.#random = world.random;
    for (const root of [options.marked, options.plain]) world.disk.mkdir(root, true);
  }

  get present(): (Measurement & { path: string })[] {
    return this.measurements.filter((m): m is Measurement & { path: string } => m.path !== null);
  }

  /** Something happens, of a random kind. */
  async act(): Promise<void> {
    const random = this.#random;
    const chance = random.next();
    const one = this.present.length > 0 ? random.pick(this.present) : undefined;
    if (!one || chance < 0.2) return void await this.measure();
    if (chance < 0.45) return await this.writeTo(one, this.#someFile(one));
    if (chance < 0.55) return await this.writeTo(one, random.pick(NAMES));
    if (chance < 0.62) return this.renameFile(one);
    if (chance < 0.67) return this.removeFile(one);
    if (chance < 0.73) return this.editInfo(one);
    if (chance < 0.78) return this.touch(one);
    if (chance < 0.86) return this.move(one);
    if (chance < 0.92) return this.copy(one);
    if (chance < 0.95) return this.remove(one);
    return await this.burst(one);
  }

  /** A new dataset, at once or bit by bit. */
  async measure(files?: readonly string[]): Promise<Measurement> {
    const random = this.#random;
    const marked = random.next() < 0.75;
    const root = marked ? this.options.marked : this.options.plain;
    const outer = this.present.filter((m) => m.marked && marked);
    const nested = outer.length > 0 && random.next() < 0.1;
    return await this.measureIn(nested ? random.pick(outer).path : root, marked, files);
  }

  async measureIn(parent: string, marked: boolean, files?: readonly string[]): Promise<Measurement> {
    const random = this.#random;
    const path = `${parent}/run ${++this.#count}`;
    this.world.disk.mkdir(path);
    const m: Measurement = {
      path,
      source: marked ? this.options.marked : this.options.plain,
      marked,
      origin: this.world.disk.statExact(path).file_id,
      history: new Map(),
      writtenAt: [],
      movedAt: [],
      copied: false,
    };
    this.measurements.push(m);
    this.#changed("measures", path);
    const infoFirst = random.next() < 0.5;
    if (marked && infoFirst) this.#writeInfo(m, this.#newInfo());
    const names = files ?? NAMES.filter(() => random.next() < 0.35);
    for (const name of names.length > 0 ? names : ["raw.bin"]) {
      if (m.path === null) return m;
      await this.writeTo(m, name);
      if (random.next() < 0.3) await this.world.clock.sleep(random.below(3000));
    }
    if (marked && !infoFirst) this.#writeInfo(m, this.#newInfo());
    return m;
  }

  /** Writes a file as programs do: as a whole, in place, bit by bit, or under another name first. */
  async writeTo(m: Measurement, name: string, how = this.#random.below(5)): Promise<void> {
    const { disk, clock } = this.world;
    const random = this.#random;
    if (m.path === null) return;
    if (name.includes("/")) disk.mkdir(`${m.path}/${name.slice(0, name.lastIndexOf("/"))}`, true);
    const path = `${m.path}/${name}`;
    const bytes = this.#bytes(name);
    const there = disk.find(path);
    if (there?.kind === "directory") return;
    if (how === 0) {
      // A shorter or longer one takes the place of the old one.
      const temporary = `${m.path}/.writing`;
      disk.write(disk.touch(temporary, { truncate: true }), 0, bytes);
      disk.rename(temporary, path);
      this.#remember(m, name);
    } else if (how === 1 && there?.kind === "file" && there.bytes.length > 0) {
      // In place, of equal size.
      const at = random.below(there.bytes.length);
      disk.write(there, at, bytes.subarray(0, Math.min(bytes.length, there.bytes.length - at)));
      this.#remember(m, name);
    } else if (how === 2 && there?.kind === "file") {
      disk.write(there, there.bytes.length, name.endsWith(".h5") ? Buffer.from("  ") : bytes.subarray(0, 50));
      this.#remember(m, name);
    } else if (how === 3) {
      // Emptied, then filled bit by bit.
      const file = disk.touch(path, { truncate: true });
      this.#remember(m, name);
      const half = random.below(bytes.length + 1);
      for (const part of [bytes.subarray(0, half), bytes.subarray(half)]) {
        this.#changed("writes a part of", path);
        await clock.sleep(random.below(random.next() < 0.2 ? 4000 : 20));
        if (disk.find(path) !== file) return;
        disk.write(file, file.bytes.length, part);
        this.#remember(m, name);
      }
    } else {
      disk.write(disk.touch(path, { truncate: true }), 0, bytes);
      this.#remember(m, name);
      if (random.next() < 0.1) disk.setTime(disk.file(path), clock.now() - random.below(1_000_000_000));
    }
    this.#changed("writes", path);
  }

  /** A file takes the place of another as from a backup: its time lies before that of the one that was there. */
  restore(m: Measurement, name: string, bytes: Uint8Array): void {
    if (m.path === null) return;
    const { disk } = this.world;
    const path = `${m.path}/${name}`;
    const before = disk.file(path).mtime;
    disk.remove(path);
    const file = disk.touch(path);
    disk.write(file, 0, bytes);
    disk.setTime(file, before - 1000);
    this.#remember(m, name);
    this.#changed("restores", path);
  }

  /** Somebody writes to a file just while it is read. */
  writeWhileRead(path: string): void {
    const m = this.present.find((one) =>
      path.startsWith(`${one.path}/`) && this.#namesOf(one).includes(path.slice(one.path.length + 1))
    );
    const file = this.world.disk.find(path);
    if (!m || file?.kind !== "file" || path.endsWith(INFO)) return;
    const bytes = this.#random.bytes(1 + this.#random.below(40));
    const at = file.bytes.length === 0 || this.#random.next() < 0.3
      ? file.bytes.length
      : this.#random.below(file.bytes.length);
    this.world.disk.write(
      file,
      at,
      bytes.subarray(0, Math.max(1, Math.min(bytes.length, file.bytes.length - at))),
    );
    this.#remember(m, path.slice(m.path.length + 1));
    this.#changed("writes, while it is read,", path);
  }

  renameFile(m: Measurement): void {
    const name = this.#someFile(m);
    const { disk } = this.world;
    if (m.path === null || !disk.find(`${m.path}/${name}`)) return;
    const dot = name.lastIndexOf(".");
    const to = `${name.slice(0, dot)}_${++this.#count}${name.slice(dot)}`;
    disk.rename(`${m.path}/${name}`, `${m.path}/${to}`);
    this.#remember(m, to);
    this.#changed("renames", `${m.path}/${name}`, `${m.path}/${to}`);
  }

  removeFile(m: Measurement): void {
    const path = `${m.path}/${this.#someFile(m)}`;
    if (m.path === null || !this.world.disk.find(path)) return;
    this.world.disk.remove(path);
    this.#changed("removes", path);
  }

  editInfo(m: Measurement): void {
    if (!m.marked || m.path === null) return;
    const node = this.world.disk.find(`${m.path}/${INFO}`);
    if (node?.kind !== "file") return;
    const info = JSON.parse(Buffer.from(node.bytes).toString()) as Info;
    const n = ++this.#count;
    const change = this.#random.pick([
      { name: `renamed ${n}` },
      { keywords: [...info.keywords.slice(1), `tag ${n}`] },
      { attributes: { ...info.attributes, sample: `s${n}` } },
      { ranking: 1 - info.ranking },
    ]);
    this.#writeInfo(m, { ...info, ...change });
  }

  touch(m: Measurement): void {
    const path = `${m.path}/${this.#someFile(m)}`;
    const node = this.world.disk.find(path);
    if (m.path === null || node?.kind !== "file") return;
    this.world.disk.setTime(node, this.world.clock.now());
    this.#changed("touches", path);
  }

  /** Renames a dataset folder, or moves it below another folder. */
  move(m: Measurement): void {
    const { disk } = this.world;
    if (m.path === null || m.copied || this.#holdsOthers(m)) return;
    let to = `${m.source}/run ${++this.#count}`;
    if (m.marked && this.#random.next() < 0.4) {
      const shelf = `${m.source}/shelf ${this.#random.below(2)}`;
      disk.mkdir(shelf, true);
      to = `${shelf}/run ${this.#count}`;
    }
    const from = m.path;
    disk.rename(from, to);
    m.path = to;
    m.movedAt.push(this.world.clock.monotonic());
    this.#changed("moves", from, to);
  }

  copy(m: Measurement): void {
    if (m.path === null || this.#holdsOthers(m)) return;
    const path = `${m.source}/run ${++this.#count}`;
    const { disk } = this.world;
    disk.copy(m.path, path);
    m.copied = true;
    const copy: Measurement = {
      ...m,
      path,
      origin: disk.statExact(path).file_id,
      writtenAt: [],
      movedAt: [],
      history: new Map([...m.history].map(([name, states]) => [name, new Set(states)])),
    };
    this.measurements.push(copy);
    for (const name of this.#namesOf(copy)) this.#remember(copy, name);
    this.#changed("copies", m.path, path);
  }

  remove(m: Measurement): void {
    if (m.path === null || m.copied || this.#holdsOthers(m)) return;
    const { path } = m;
    this.world.disk.remove(path, true);
    m.path = null;
    this.#changed("deletes", path);
  }

  /** Many changes of one file in a short time. */
  async burst(m: Measurement): Promise<void> {
    const name = this.#someFile(m);
    for (let i = 2 + this.#random.below(6); i > 0; i--) {
      await this.writeTo(m, name, this.#random.pick([1, 2, 4]));
      await this.world.clock.sleep(this.#random.below(1500));
    }
  }

  #holdsOthers(m: Measurement): boolean {
    return this.present.some((o) => o !== m && o.path.startsWith(`${m.path}/`));
  }

  #namesOf(m: Measurement): string[] {
    if (m.path === null) return [];
    const start = m.path.length + 1;
    const nested = this.present.filter((o) => o !== m && o.path.startsWith(`${m.path}/`));
    return [...this.world.disk.files(m.path)]
      .filter((p) =>
        !p.includes("/.") && !p.endsWith(INFO) && !nested.some((o) => p.startsWith(`${o.path}/`))
      )
      .map((p) => p.slice(start));
  }

  #someFile(m: Measurement): string {
    const names = this.#namesOf(m);
    return names.length > 0 ? this.#random.pick(names) : "raw.bin";
  }

  #bytes(name: string): Uint8Array<ArrayBuffer> {
    const size = name.startsWith("big") ? 2500 + this.#random.below(2000) : this.#random.below(400);
    const bytes = this.#random.bytes(this.#random.next() < 0.05 ? 0 : size);
    // The end of an .h5 file counts only when it is no blank.
    if (bytes.length > 0) bytes[bytes.length - 1] = 1;
    return bytes;
  }

  #newInfo(): Info {
    const n = this.#count;
    return {
      name: `measurement ${n}`,
      collected: new Date(Date.UTC(2026, 1, 1) + n * 60_000).toISOString().replace("Z", "000+00:00"),
      keywords: [`tag ${n}`],
      attributes: { sample: `s${n}` },
      ranking: 0,
      summary: this.#random.next() < 0.3,
    };
  }

  #writeInfo(m: Measurement, info: Info): void {
    if (m.path === null) return;
    const { disk } = this.world;
    const path = `${m.path}/${INFO}`;
    const temporary = `${m.path}/.info`;
    disk.write(disk.touch(temporary, { truncate: true }), 0, Buffer.from(JSON.stringify(info)));
    disk.rename(temporary, path);
    this.#changed("writes", path);
  }

  #remember(m: Measurement, name: string): void {
    const node = this.world.disk.find(`${m.path}/${name}`);
    if (node?.kind !== "file") return;
    let states = m.history.get(name);
    if (!states) m.history.set(name, states = new Set());
    states.add(md5Of(node.bytes));
    m.writtenAt.push(this.world.clock.monotonic());
  }

  #changed(what: string, ...paths: string[]): void {
    this.world.note(`   lab ${what} ${paths.join(" → ")}`);
    this.options.onChange(paths);
  }
}
