/** A lab whose data grow and change between the runs of the agent: dataset folders with conversions and a QCoDeS database. */
import { join } from "node:path";
import { folderSource, md5Of, qcodesSource, writeQuiet } from "../agent_process.ts";
import { openDatabase } from "../e2e/change_database.ts";
import { unpackFolderbase } from "../folderbase_fixture.ts";
import type { Random } from "./prng.ts";

const DATABASE = new URL("../fixtures/qcodes/experiments.db", import.meta.url).pathname;
/** Above what is copied before it is sent, bytes. */
const LARGE = 66 * 1024 * 1024;
const INFO = "_QH_dataset_info.yaml";

export class ChangingLab {
  readonly tree: string;
  readonly database: string;
  /** Every md5 that a file ever had, oldest first; by dataset folder, then by name. */
  readonly history = new Map<string, Map<string, string[]>>();
  #clock = 1_720_000_000;
  #count = 0;

  private constructor(root: string, private readonly random: Random) {
    this.tree = join(root, "tree");
    this.database = join(root, "lab", "experiments.db");
  }

  static async setUp(root: string, random: Random): Promise<ChangingLab> {
    const lab = new ChangingLab(root, random);
    await Deno.mkdir(join(root, "lab"));
    await Deno.copyFile(DATABASE, lab.database);
    await using fixture = await unpackFolderbase();
    const from = join(fixture.root, "level_any");
    for (const broken of ["broken yaml", "yaml is a list", join("csv conv", "bad.csv")]) {
      await Deno.remove(join(from, broken), { recursive: true });
    }
    const { success } = await new Deno.Command("cp", { args: ["-a", from, lab.tree] }).output();
    if (!success) throw new Error("cp -a failed");
    return lab;
  }

  sources(): string[][] {
    return [folderSource(this.tree), qcodesSource(this.database)];
  }

  /** Settings of both sources in a configuration file. */
  settings(): { name: string; backend: string; config: Record<string, string | boolean> }[] {
    return [
      {
        name: "folders",
        backend: "folderbase",
        config: { root_directory: this.tree, is_server_folder: false },
      },
      { name: "runs", backend: "qcodes", config: { database_path: this.database, set_up: "fridge" } },
    ];
  }

  /** A few changes of random kinds. */
  async change(): Promise<void> {
    for (let n = this.random.below(3); n >= 0; n--) {
      const act = this.random.pick([
        () => this.measure(),
        () => this.measure(),
        () => this.#rewrite(),
        () => this.#qcodes(),
      ]);
      await act();
    }
  }

  /** A new dataset folder: a file of random bytes, a table and its conversion. */
  async measure(): Promise<void> {
    const dataset = `run ${++this.#count}`;
    const files: [string, Uint8Array | string][] = [
      ["raw.bin", this.random.bytes(1 + this.random.below(30_000))],
      ["sub/table.csv", this.#table()],
      [INFO, `dataset_name: run ${this.#count}\nconverters: {csv_to_hdf5_converter: csv_to_hdf5}\n`],
    ];
    for (const [name, content] of files) await this.#write(dataset, name, content);
  }

  /** New content for the one large file, which goes up in parts. */
  async large(): Promise<void> {
    const bytes = new Uint8Array(LARGE);
    bytes.set(this.random.bytes(64), this.random.below(LARGE - 64));
    const dataset = "run large";
    if (!this.history.has(dataset)) {
      await this.#write(dataset, "sub/table.csv", this.#table());
      await this.#write(dataset, INFO, "converters: {csv_to_hdf5_converter: csv_to_hdf5}\n");
    }
    await this.#write(dataset, "raw.bin", bytes);
  }

  /** New content for a file of a dataset that is there. */
  async #rewrite(): Promise<void> {
    if (this.#count === 0) return await this.measure();
    const dataset = `run ${1 + this.random.below(this.#count)}`;
    if (this.random.below(2) === 0) await this.#write(dataset, "raw.bin", this.random.bytes(1000));
    else await this.#write(dataset, "sub/table.csv", this.#table());
  }

  /** The run that was never completed is, now: who follows it live has seen its end. */
  completeRun(): void {
    using db = openDatabase(this.database);
    db.run("UPDATE runs SET is_completed = 1, completed_timestamp = ? WHERE run_id = 28", Date.now() / 1000);
  }

  #table(): string {
    return "x,y\n" + Array.from({ length: 5 }, (_, i) => `${i},${this.random.below(1000)}\n`).join("");
  }

  /** A star, or another row of the run that was never completed. */
  #qcodes(): void {
    using db = openDatabase(this.database);
    if (this.random.below(2) === 0) {
      const tag = this.random.pick(["star", "cross", ""]);
      db.run("UPDATE runs SET inspectr_tag = ? WHERE run_id = ?", tag, 1 + this.random.below(28));
      return;
    }
    const table = db.text("SELECT result_table_name FROM runs WHERE run_id = 28");
    const columns = db.columns(table).filter((c) => c !== "id").map((c) => `"${c}"`).join(",");
    db.run(`INSERT INTO "${table}" (${columns}) SELECT ${columns} FROM "${table}" ORDER BY id DESC LIMIT 1`);
  }

  /** Times rise and lie in the past, so that nothing has to settle. A file is there as a whole or not at all. */
  async #write(dataset: string, name: string, content: Uint8Array | string): Promise<void> {
    const path = join(this.tree, dataset, name);
    const unfinished = join(path, "..", ".being-written");
    await writeQuiet(unfinished, content, ++this.#clock);
    // Known before anybody can read it.
    if (name === INFO) return await Deno.rename(unfinished, path);
    const files = this.history.get(dataset) ?? new Map<string, string[]>();
    this.history.set(dataset, files.set(name, [...files.get(name) ?? [], await md5Of(unfinished)]));
    await Deno.rename(unfinished, path);
  }
}
