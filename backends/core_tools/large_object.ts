/**
 * Values of one array: a large object of float64 in little-endian and C order that grows while the measurement runs.
 * Points beyond its end are not measured yet, or never: NaN.
 */
import type { Database, Row } from "./connection.ts";
import { codeOf, NO_PERMISSION } from "./database_error.ts";

/** Bytes of one value. */
const SIZE = 8;
/** Values asked for at once: 4 MiB. */
const SLICE = 4 * 1024 * 1024 / SIZE;
/** Single values asked for at once. */
export const SCATTERED = 4096;

/** The role may not read a large object: they have rights of their own, beside those of the tables. */
export class ObjectDenied extends Error {
  constructor(readonly oid: string, cause: unknown) {
    super(`no right to read the large object ${oid}`, { cause });
  }
}

async function queryObject(
  db: Database,
  oid: string,
  statement: string,
  ...further: string[]
): Promise<Row[]> {
  try {
    return await db.query(statement, oid, ...further);
  } catch (e) {
    throw codeOf(e) === NO_PERMISSION ? new ObjectDenied(oid, e) : e;
  }
}

/** Values by position; what is not written is NaN. */
export interface ValueSource {
  read(start: number, count: number): Promise<Float64Array>;
}

/** An array without a large object. */
export const NOTHING_WRITTEN: ValueSource = {
  read: (_start, count) => Promise.resolve(new Float64Array(count).fill(NaN)),
};

/** The values of a large object from its beginning. */
export class LargeObject implements ValueSource {
  /** Values it has, once its end was seen. */
  #length = Infinity;

  constructor(private readonly db: Database, private readonly oid: string) {}

  async read(start: number, count: number): Promise<Float64Array> {
    const values = new Float64Array(count).fill(NaN);
    const bytes = new Uint8Array(values.buffer);
    for (let done = 0; done < count && start + done < this.#length; done += SLICE) {
      const wanted = Math.min(SLICE, count - done);
      const slice = await sliceOf(this.db, this.oid, start + done, wanted);
      const whole = Math.floor(slice.length / SIZE);
      bytes.set(slice.subarray(0, whole * SIZE), done * SIZE);
      if (whole < wanted) this.#length = start + done + whole;
    }
    return values;
  }
}

async function sliceOf(db: Database, oid: string, start: number, count: number): Promise<Uint8Array> {
  const [row] = await queryObject(
    db,
    oid,
    "SELECT pg_catalog.lo_get($1::text::oid, $2::text::bigint, $3::text::int) AS bytes",
    String(start * SIZE),
    String(count * SIZE),
  );
  return bytesIn(row?.bytes);
}

/**
 * Values from `start` that are stored now: fewer than `count` where the object ends before.
 * @param stride distance of two of them in the object, in values; start and count number them
 * @throws ObjectDenied
 */
export async function readStored(
  db: Database,
  { oid, stride }: { oid: string; stride: number },
  start: number,
  count: number,
): Promise<Float64Array> {
  const bytes = stride === 1
    ? await sliceOf(db, oid, start, count)
    : await scatteredBytes(db, oid, stride, start, count);
  // A copy: only a buffer of its own is sure to be aligned.
  return new Float64Array(bytes.slice(0, bytes.length - bytes.length % SIZE).buffer);
}

/** Single values one after the other, up to the first that is not stored. */
async function scatteredBytes(
  db: Database,
  oid: string,
  stride: number,
  start: number,
  count: number,
): Promise<Uint8Array> {
  const rows = await queryScattered(db, oid, stride, start, count);
  const all = rows.map((row) => bytesIn(row.bytes));
  const end = all.findIndex((bytes) => bytes.length < SIZE);
  const stored = end < 0 ? all : all.slice(0, end);
  const joined = new Uint8Array(stored.length * SIZE);
  for (const [i, bytes] of stored.entries()) joined.set(bytes, i * SIZE);
  return joined;
}

function queryScattered(
  db: Database,
  oid: string,
  stride: number,
  start: number,
  count: number,
): Promise<Row[]> {
  return queryObject(
    db,
    oid,
    `SELECT pg_catalog.lo_get($1::text::oid, i * $2::text::bigint, ${SIZE}) AS bytes
     FROM pg_catalog.generate_series($3::text::bigint, $4::text::bigint) AS i ORDER BY i`,
    String(stride * SIZE),
    String(start),
    String(start + count - 1),
  );
}

/** Every `stride`-th value of a large object: an axis of a grid on which the setpoint was recorded at every point. */
export class StridedObject implements ValueSource {
  constructor(private readonly db: Database, private readonly oid: string, private readonly stride: number) {}

  async read(start: number, count: number): Promise<Float64Array> {
    const values = new Float64Array(count).fill(NaN);
    for (let done = 0; done < count; done += SCATTERED) {
      const wanted = Math.min(SCATTERED, count - done);
      const rows = await queryScattered(this.db, this.oid, this.stride, start + done, wanted);
      for (const [i, row] of rows.entries()) {
        const bytes = bytesIn(row.bytes);
        if (bytes.length === SIZE) {
          values[done + i] = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
        }
      }
    }
    return values;
  }
}

function bytesIn(column: unknown): Uint8Array {
  return column instanceof Uint8Array ? column : new Uint8Array(0);
}

/** What a large object holds, measured against what its row says. */
export interface ObjectExtent {
  hasValues: boolean;
  /** The last point that the row says was written is there. */
  reachesCursor: boolean;
  /** It goes on beyond the points of the array. */
  goesBeyond: boolean;
}

/** Looks at the ends of large objects without reading them. @throws ObjectDenied */
export async function extentOf(
  db: Database,
  { oid, cursor, points }: { oid: string | null; cursor: number; points: number },
): Promise<ObjectExtent> {
  if (oid === null) return { hasValues: false, reachesCursor: cursor <= 0, goesBeyond: false };
  const [row] = await queryObject(
    db,
    oid,
    `SELECT pg_catalog.octet_length(pg_catalog.lo_get(o, 0, ${SIZE})) AS first,
     pg_catalog.octet_length(pg_catalog.lo_get(o, $2::text::bigint, ${SIZE})) AS last,
     pg_catalog.octet_length(pg_catalog.lo_get(o, $3::text::bigint, 1)) AS beyond
     FROM (SELECT $1::text::oid AS o) AS object`,
    String(Math.max(0, cursor - 1) * SIZE),
    String(points * SIZE),
  );
  return {
    hasValues: Number(row?.first) === SIZE,
    reachesCursor: cursor <= 0 || Number(row?.last) === SIZE,
    goesBeyond: Number(row?.beyond) > 0,
  };
}
