/** Writes QCoDeS databases (user_version 9) as QCoDeS does, row by row, for tests without Python. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { join } from "node:path";
import backend from "../backends/qcodes/mod.ts";
import type { ReadItem } from "../src/kit/define_backend.ts";
import type { LiveContext, LiveSession } from "../src/kit/live.ts";

/** Type, and the setpoints a parameter depends on. */
export type Parameters = Record<string, {
  type?: "numeric" | "array" | "complex" | "text";
  on?: string[];
  from?: string[];
  unit?: string;
}>;

export interface RunOptions {
  shapes?: Record<string, number[]>;
  /** Start in ms since 1970 UTC; null: created only. */
  started?: number | null;
  /** false: kept in memory. */
  table?: boolean;
}

/** A database in a folder of its own. */
export class QcodesLab implements Disposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = join(this.folder, "experiments.db");
  #db: DatabaseSync;

  constructor(journal: "WAL" | "DELETE" = "WAL") {
    this.#db = new DatabaseSync(this.path);
    this.#db.exec(`
      PRAGMA journal_mode = ${journal};
      PRAGMA synchronous = OFF;
      PRAGMA user_version = 9;
      CREATE TABLE experiments (exp_id INTEGER PRIMARY KEY, name TEXT, sample_name TEXT, start_time INTEGER,
        end_time INTEGER, run_counter INTEGER, format_string TEXT);
      CREATE TABLE runs (run_id INTEGER PRIMARY KEY, exp_id INTEGER, name TEXT, result_table_name TEXT,
        result_counter INTEGER, run_timestamp INTEGER, completed_timestamp INTEGER, is_completed BOOL, parameters TEXT,
        guid TEXT, run_description TEXT, "snapshot" TEXT, captured_run_id INTEGER, captured_counter INTEGER,
        "parent_datasets" TEXT, operator);
      INSERT INTO experiments VALUES (1, 'cooldown', 'chip A', 1.7e9, NULL, 0, '{}-{}-{}');
    `);
  }

  /** Runs statements of the test's own. */
  exec(sql: string): void {
    this.#db.exec(sql);
  }

  start(parameters: Parameters, options: RunOptions = {}): LabRun {
    const { shapes = null, started = Date.now(), table = true } = options;
    const names = Object.keys(parameters);
    const specs = Object.entries(parameters).map(([name, { type = "numeric", unit = "V" }]) => ({
      name,
      paramtype: type,
      label: `Label of ${name}`,
      unit,
      inferred_from: [],
      depends_on: [],
    }));
    const relations = (of: "on" | "from") =>
      Object.fromEntries(Object.entries(parameters).flatMap(([n, p]) => p[of] ? [[n, p[of]]] : []));
    const related = new Set(
      Object.entries(parameters).flatMap(([n, p]) =>
        p.on ?? p.from ? [n, ...p.on ?? [], ...p.from ?? []] : []
      ),
    );
    const id = Number(this.#db.prepare("SELECT ifnull(max(run_id), 0) + 1 AS id FROM runs").get()?.id);
    const results = `results-1-${id}`;
    const columns = specs.map((s) => `, "${s.name}" ${s.paramtype}`).join("");
    if (table) this.#db.exec(`CREATE TABLE "${results}" (id INTEGER PRIMARY KEY${columns})`);
    this.#db.prepare(
      "INSERT INTO runs VALUES (?, 1, 'a run', ?, ?, ?, NULL, 0, ?, ?, ?, '{}', ?, ?, '[]', 'me')",
    ).run(
      id,
      results,
      id,
      started === null ? null : started / 1000,
      names.join(),
      `aaaaaaaa-0000-0000-0000-${String(id).padStart(12, "0")}`,
      JSON.stringify({
        version: 3,
        shapes,
        interdependencies: { paramspecs: specs },
        interdependencies_: {
          parameters: Object.fromEntries(specs.map((s) => [s.name, s])),
          dependencies: relations("on"),
          inferences: relations("from"),
          standalones: names.filter((n) => !related.has(n)),
        },
      }),
      id,
      id,
    );
    return new LabRun(this, this.#db, id, results);
  }

  /** @returns what the backend says of a run */
  async live(run: number, context: Partial<LiveContext> = {}) {
    const item: ReadItem = { identifier: String(run), path: "" };
    const config = { database_path: this.path, set_up: "fridge" };
    return await backend.live?.(config, item, {
      temp: this.folder,
      timeZone: "UTC",
      now: Date.now,
      ...context,
    });
  }

  /** @throws Error when the run is not being measured */
  async follow(run: number): Promise<LiveSession> {
    const answer = await this.live(run);
    if (answer && "session" in answer) return answer.session;
    throw new Error(`run ${run}: ${answer?.not_live}`);
  }

  /** Stops writing. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

export type LabRow = Record<string, SQLInputValue>;

export class LabRun {
  constructor(
    readonly lab: QcodesLab,
    readonly db: DatabaseSync,
    readonly id: number,
    readonly table: string,
  ) {}

  /** Adds rows in one transaction, as a flush of QCoDeS does. */
  add(...rows: LabRow[]): void {
    this.db.exec("BEGIN");
    for (const row of rows) {
      const names = Object.keys(row);
      const places = names.map(() => "?").join();
      this.db.prepare(`INSERT INTO "${this.table}" (${names.map((n) => `"${n}"`).join()}) VALUES (${places})`)
        .run(...Object.values(row));
    }
    this.db.exec("COMMIT");
  }

  complete(): void {
    this.db.prepare("UPDATE runs SET is_completed = 1, completed_timestamp = ? WHERE run_id = ?")
      .run(Date.now() / 1000, this.id);
  }
}

/** A blob as NumPy saves an array. */
export function npy(
  shape: readonly number[],
  values: Float64Array | BigInt64Array,
  complex = false,
): Uint8Array {
  const descr = complex ? "<c16" : values instanceof Float64Array ? "<f8" : "<i8";
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const header = `${dict.padEnd(127 - 10 - dict.length % 1)}`.slice(0, 117) + "\n";
  const head = new Uint8Array([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0]);
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new Uint8Array(head.length + header.length + data.length);
  out.set(head);
  out.set(new TextEncoder().encode(header), head.length);
  out.set(data, head.length + header.length);
  return out;
}
