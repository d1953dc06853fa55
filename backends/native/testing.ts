/** A native database made for one test. */
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { DatasetDraft } from "../../src/kit/drafts.ts";
import { nativeDatabaseOf } from "../../src/kit/native_places.ts";
import backend from "./mod.ts";

const FIXTURES = new URL("../../tests/fixtures/native/", import.meta.url).pathname;

/** The first dataset of the fixtures, which has four file versions. */
export const RABI = "00000001-0000-4000-8000-000000000001";
export const RABI_ROW = 1;

export class TestDatabase implements Disposable {
  readonly folder: string;
  readonly path: string;
  readonly config: { data_directory: string };

  private constructor(folder: string) {
    this.folder = folder;
    this.path = nativeDatabaseOf(folder);
    this.config = { data_directory: folder };
  }

  /** A copy of a fixture; its files are where they would be in a moved installation. */
  static copyOf(fixture: string): TestDatabase {
    const copy = new TestDatabase(Deno.realPathSync(Deno.makeTempDirSync({ prefix: "native_" })));
    Deno.mkdirSync(join(copy.folder, "sql"));
    Deno.writeFileSync(copy.path, Deno.readFileSync(join(FIXTURES, fixture, "sql", "etiket_db.sql")));
    Deno.symlinkSync(join(FIXTURES, fixture, "data"), join(copy.folder, "data"));
    return copy;
  }

  /** Opens it as qdrive would. */
  open(): DatabaseSync {
    return new DatabaseSync(this.path, { timeout: 10_000 });
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    using db = this.open();
    db.prepare(sql).run(...values);
  }

  rows(sql: string): Record<string, unknown>[] {
    using db = this.open();
    return db.prepare(sql).all().map((row) => ({ ...row }));
  }

  async identifiers(): Promise<string[]> {
    return (await backend.discover(this.config, undefined)).items.map((i) => i.identifier);
  }

  async draft(identifier = RABI): Promise<DatasetDraft> {
    const temp = join(this.folder, "temp");
    Deno.mkdirSync(temp, { recursive: true });
    const result = await backend.read(this.config, { identifier, path: "" }, {
      staging: temp,
      version: "0",
      converters: [],
      timeZone: "Europe/Amsterdam",
      newest: false,
      now: Date.now(),
    });
    if (!("draft" in result)) throw new Error(result.not_started);
    return result.draft;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}
