/** A core-tools database on a PostgreSQL server of its own, for tests. */
import postgres from "postgres";
import { PostgresServer, type Row } from "../../tests/postgres_server.ts";
import { assert } from "../../tests/assert.ts";
import type { DatasetDraft, ReadResult } from "../../src/kit/drafts.ts";
import { closeConnections } from "./connection.ts";
import coreTools from "./mod.ts";

export const FIXTURES = new URL("../../tests/fixtures/core_tools/", import.meta.url).pathname;
const DATABASE = "coretools";
const ROLE = "reader";
const PASSWORD = "a secret";

/** One array of a measurement that a test writes. */
export interface TestParameter {
  /** Its own id; default 1, 2 … */
  id?: string;
  /** The measured parameter it belongs to; default its own for those with dependencies, else the first one. */
  measuredId?: string;
  name: string;
  label?: string;
  unit?: string;
  set?: number;
  axis?: number;
  isSetpoint?: boolean;
  isLocal?: boolean;
  /** Ids of setpoints, or any JSON. */
  dependencies?: unknown;
  shape: unknown;
  /** Null: no large object. */
  values: number[] | null;
  /** Default: the values there are. */
  cursor?: number;
  totalSize?: number;
  /** Instead of the object of `values`. */
  oid?: number | null;
}

export class CoreToolsLab {
  #staging = 0;

  private constructor(
    readonly server: PostgresServer,
    private readonly folder: string,
    readonly config: Record<string, unknown>,
  ) {}

  /** A server with the fixture's 13 measurements, all of them the reading role's. */
  static async start(): Promise<CoreToolsLab> {
    const server = await PostgresServer.start();
    try {
      await server.createRole(ROLE, { password: PASSWORD });
      await server.createDatabase(DATABASE, ROLE);
      await server.loadSql(DATABASE, ROLE, `${FIXTURES}core_tools.sql`);
    } catch (e) {
      await server.stop();
      throw e;
    }
    const folder = await Deno.makeTempDir({ prefix: "core_tools_" });
    const { host, port } = server;
    return new CoreToolsLab(server, folder, { dbname: DATABASE, user: ROLE, password: PASSWORD, host, port });
  }

  /** Runs SQL as the reading role who owns everything, with all rights that it has. */
  async write(sql: string): Promise<void> {
    await this.server.query(DATABASE, `SET ROLE ${ROLE}; ${sql}`);
  }

  /** Runs one statement as the server's administrator. */
  async administer(sql: string): Promise<Row[]> {
    return await this.server.query(DATABASE, sql);
  }

  /** Writes a completed measurement. @param columns SQL values of the overview's columns @returns its id */
  async add(parameters: TestParameter[], columns: Record<string, string> = {}): Promise<string> {
    const [next] = await this.administer(
      "SELECT max(id) + 1 AS id, max(uuid) + 1000000 AS uuid FROM global_measurement_overview",
    );
    const row: Record<string, string> = {
      id: String(next?.id),
      uuid: String(next?.uuid),
      exp_name: "'made by a test'",
      set_up: "'Fridge 1'",
      project: "'Spin project'",
      sample: "'a sample'",
      creasted_by: "'test'",
      start_time: "'2026-11-21 02:01:20'",
      stop_time: "'2026-11-21 02:01:21'",
      exp_data_location: "''",
      completed: "true",
      sync_location: "'New measurement_parameters'",
      ...columns,
    };
    await this.write(
      `INSERT INTO global_measurement_overview (${Object.keys(row).join()}) VALUES (${
        Object.values(row).join()
      })`,
    );
    for (const [i, p] of parameters.entries()) await this.#addParameter(row.uuid ?? "", i, p);
    return row.id ?? "";
  }

  async #addParameter(uuid: string, index: number, p: TestParameter): Promise<void> {
    const id = p.id ?? String(index + 1);
    const values = Float64Array.from(p.values ?? []);
    const hex = new Uint8Array(values.buffer).toHex();
    const oid = p.oid === undefined && p.values
      ? `lo_from_bytea(0, '\\x${hex}')::int`
      : String(p.oid ?? "NULL");
    const json = (value: unknown) => value === undefined ? "NULL" : `'${JSON.stringify(value)}'::jsonb`;
    const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
    const flag = (value: boolean | undefined) => String(value ?? false);
    const shape = Array.isArray(p.shape) ? p.shape.reduce((a, b) => a * b, 1) : 0;
    const measuredId = p.measuredId ?? (p.isSetpoint || p.isLocal ? "1" : id);
    await this.write(
      `INSERT INTO measurement_parameters (exp_uuid, param_index, param_id, nth_set, nth_dim, param_id_m_param, setpoint,
       setpoint_local, name_gobal, name, label, unit, depencies, shape, write_cursor, total_size, oid) VALUES
       (${uuid}, ${index}, ${id}, ${p.set ?? 0}, ${p.axis ?? 0}, ${measuredId}, ${flag(p.isSetpoint)},
       ${flag(p.isLocal)}, ${text(p.name)}, ${text(p.name)}, ${text(p.label ?? p.name)}, ${
        text(p.unit ?? "")
      },
       ${json(p.dependencies ?? [])}, ${json(p.shape)}, ${p.cursor ?? values.length}, ${
        p.totalSize ?? shape
      }, ${oid})`,
    );
  }

  /** Reads a measurement as the agent does, into a staging folder of its own. */
  async read(
    id: string | number,
    { config = this.config, timeZone = "Europe/Amsterdam" } = {},
  ): Promise<ReadResult> {
    const staging = `${this.folder}/${++this.#staging}`;
    await Deno.mkdir(staging);
    return await coreTools.read(config, { identifier: String(id), path: "" }, {
      staging,
      version: "0",
      converters: [],
      timeZone,
      newest: false,
      now: Date.now(),
    });
  }

  async draft(id: string | number): Promise<DatasetDraft> {
    const result = await this.read(id);
    assert("draft" in result, JSON.stringify(result));
    return result.draft;
  }

  /** A client of the role that owns everything, as core-tools has one. */
  client(): postgres.Sql {
    const { dbname, user, password, host, port } = this.config;
    return postgres({
      ...{ database: String(dbname), username: String(user), password: String(password) },
      ...{ host: String(host), port: Number(port), max: 1, onnotice: () => {} },
    });
  }

  /** Opens a transaction that holds what a statement takes; disposing of it lets go. */
  async hold(statement: string): Promise<AsyncDisposable> {
    const client = this.client();
    const reserved = await client.reserve();
    await reserved.unsafe(`BEGIN; ${statement}`).simple();
    return { [Symbol.asyncDispose]: () => client.end({ timeout: 0 }) };
  }

  /** Waits until the agent waits for a lock, and ends its statement as a statement timeout does. */
  async cancelWaiting(): Promise<void> {
    const ended = () =>
      this.administer(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'etiket-sync' AND wait_event_type = 'Lock'`);
    while ((await ended()).length === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeConnections();
    await this.server.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Path of one of a draft's files. */
export function pathOf(draft: DatasetDraft, name = "measurement"): string {
  const file = draft.files.find((f) => f.name === name);
  assert(file, `no file ${name}: ${JSON.stringify(draft)}`);
  return file.path;
}
