/** Measurements that are being written, by statements like core-tools' own, and the session that follows one. */
import type postgres from "postgres";
import type { LiveContext, LiveSession } from "../../src/kit/live.ts";
import { assert } from "../../tests/assert.ts";
import coreTools from "./mod.ts";
import type { CoreToolsLab, TestParameter } from "./testing.ts";

/** Measurements begun, so that no two have the same uuid. */
let begun = 0;

/** A measurement of a shape, its setpoints recorded at every point. */
export class Writer {
  readonly #values: number[][];
  #cursor = 0;

  private constructor(
    private readonly client: postgres.Sql,
    readonly id: string,
    readonly uuid: string,
    private readonly shape: number[],
    private readonly oids: string[],
    private readonly table: string,
  ) {
    this.#values = oids.map(() => []);
  }

  /** Registers a measurement of `I_sd` over `v0`, `v1` …; no point is written. */
  static async begin(lab: CoreToolsLab, shape: number[], name = "made by a test"): Promise<Writer> {
    const setpoints = shape.map((_, axis): TestParameter => ({
      ...{ name: `v${axis}`, label: `Gate ${axis}`, unit: "mV", isSetpoint: true, axis, shape, values: [] },
    }));
    const measured: TestParameter = {
      ...{ name: "I_sd", label: "Current", unit: "nA", shape, values: [], measuredId: "1" },
      dependencies: shape.map((_, axis) => axis + 2),
    };
    // Its uuid says when it began, by which it is known to be young.
    const columns = {
      exp_name: `'${name}'`,
      uuid: String(BigInt(Date.now()) * 1_000_000n + BigInt(++begun)),
    };
    return await Writer.of(lab, await lab.add([measured, ...setpoints], { ...RUNNING, ...columns }), shape);
  }

  /** The writer of a measurement that is there; its parameters are I_sd, v0, v1 … of one shape. */
  static async of(
    lab: CoreToolsLab,
    id: string,
    shape: number[],
    table = "measurement_parameters",
  ): Promise<Writer> {
    const client = lab.client();
    const [row] = await client.unsafe(`SELECT uuid::text FROM global_measurement_overview WHERE id = ${id}`);
    const where = table === "measurement_parameters" ? `WHERE exp_uuid = ${row?.uuid}` : "";
    const rows = await client.unsafe(`SELECT oid::text FROM ${table} ${where} ORDER BY id`);
    return new Writer(client, id, String(row?.uuid), shape, rows.map((r) => String(r.oid)), table);
  }

  /** Value of the measured parameter at a point. */
  static valueAt(point: number): number {
    return point % 7 === 3 ? NaN : Math.sin(point);
  }

  /** Writes the bytes of further points; nobody counts them yet. */
  async writeBytes(points: number): Promise<void> {
    const from = this.#values[0]?.length ?? 0;
    for (let point = from; point < from + points; point++) {
      this.#values[0]?.push(Writer.valueAt(point));
      for (const axis of this.shape.keys()) {
        const step = this.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
        this.#values[axis + 1]?.push(100 * axis + Math.floor(point / step) % (this.shape[axis] ?? 1));
      }
    }
    for (const [i, oid] of this.oids.entries()) {
      const hex = new Uint8Array(Float64Array.from(this.#values[i]?.slice(from) ?? []).buffer).toHex();
      await this.client.unsafe(`SELECT lo_put(${oid}, ${8 * from}, '\\x${hex}')`);
    }
  }

  /** Moves the cursors to what is written, in one transaction. */
  async moveCursors({ notify }: { notify?: string } = {}): Promise<void> {
    this.#cursor = this.#values[0]?.length ?? 0;
    await this.client.begin(async (sql) => {
      for (const oid of this.oids) {
        await sql.unsafe(`UPDATE ${this.table} SET write_cursor = ${this.#cursor} WHERE oid = ${oid}`);
      }
      if (notify !== undefined) await sql.unsafe(`SELECT pg_notify('etiket_live', '${notify}')`);
    });
  }

  async write(points: number, options: { notify?: string } = {}): Promise<void> {
    await this.writeBytes(points);
    await this.moveCursors(options);
  }

  /** Begins anew in the same rows. */
  async restart(): Promise<void> {
    for (const values of this.#values) values.length = 0;
    await this.moveCursors();
  }

  async complete(): Promise<void> {
    await this.client.unsafe(
      `UPDATE global_measurement_overview SET completed = true, stop_time = now() WHERE id = ${this.id}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end({ timeout: 0 });
  }
}

/** Columns of a measurement that began just now. */
export const RUNNING = { completed: "false", stop_time: "NULL" };

/** The session of a measurement. @param context beyond the usual */
export async function follow(
  lab: CoreToolsLab,
  id: string | number,
  context: Partial<LiveContext> = {},
): Promise<LiveSession & AsyncDisposable> {
  const answer = await coreTools.live?.(lab.config, { identifier: String(id), path: "" }, {
    temp: "",
    timeZone: "Europe/Amsterdam",
    now: () => Date.now(),
    ...context,
  });
  assert(answer && "session" in answer, JSON.stringify(answer));
  const { session } = answer;
  return {
    watch: session.watch,
    silence: session.silence,
    get poll() {
      return session.poll;
    },
    look: () => session.look(),
    close: () => session.close(),
    [Symbol.asyncDispose]: async () => await session.close(),
  };
}
