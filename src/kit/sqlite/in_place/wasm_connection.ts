/** Statements on a database that the WebAssembly SQLite reads, in the shape that node:sqlite gives them. */
import type { SqlConnection, SqlStatement, SqlValue } from "../read_only_database.ts";
import { type PageFile, type RegisteredFile, VFS_NAME } from "./committed_vfs.ts";
import type { Engine, Pointer } from "./wasm_engine.ts";

const ROW = 100;
const DONE = 101;
const OPEN_READ_ONLY = 1;
/** SQLite copies the value that is bound. */
const TRANSIENT = -1;
const [INTEGER, FLOAT, TEXT, BLOB] = [1, 2, 3, 4];
/** Text up to this length is decoded here: calling a decoder takes longer. */
const SHORT_TEXT = 24;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class WasmConnection implements SqlConnection {
  readonly #file: RegisteredFile;
  readonly #db: Pointer;
  readonly #statements = new Set<WasmStatement>();
  isOpen = true;

  /** @throws Error with SQLite's message */
  constructor(readonly engine: Engine, file: PageFile) {
    this.#file = engine.register(file);
    const [name, vfs, at] = [this.#put(this.#file.name), this.#put(VFS_NAME), engine.allocate(4)];
    const result = engine.call.sqlite3_open_v2(name, at, OPEN_READ_ONLY, vfs);
    this.#db = this.#pointerAt(at);
    [name, vfs, at].forEach(engine.free);
    this.check(result);
  }

  prepare(sql: string): SqlStatement {
    const [text, at] = [this.#put(sql), this.engine.allocate(4)];
    const result = this.engine.call.sqlite3_prepare_v2(this.#db, text, -1, at, 0);
    const pointer = this.#pointerAt(at);
    [text, at].forEach(this.engine.free);
    this.check(result);
    const statement = new WasmStatement(this, pointer);
    this.#statements.add(statement);
    return statement;
  }

  /** @throws why the file could not be read, or Error with SQLite's message, unless `result` is among the good ones */
  check(result: number, ...good: number[]): void {
    if (result === 0 || good.includes(result)) return;
    throw this.#file.takeFailure() ??
      new Error(this.engine.text(this.engine.call.sqlite3_errmsg(this.#db)));
  }

  #put(text: string): Pointer {
    return putBytes(this.engine, new TextEncoder().encode(text));
  }

  #pointerAt(at: Pointer): Pointer {
    return new DataView(this.engine.memory().buffer).getUint32(at, true);
  }

  /** Ends every statement that was left half read. */
  reset(): void {
    for (const { pointer } of this.#statements) this.engine.call.sqlite3_reset(pointer);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const { pointer } of this.#statements) this.engine.call.sqlite3_finalize(pointer);
    this.engine.call.sqlite3_close_v2(this.#db);
    this.#file[Symbol.dispose]();
  }
}

/** Bytes with a zero behind them, in the memory of the engine. */
function putBytes(engine: Engine, bytes: Uint8Array): Pointer {
  const pointer = engine.allocate(bytes.length + 1);
  engine.memory().set(bytes, pointer);
  engine.memory()[pointer + bytes.length] = 0;
  return pointer;
}

class WasmStatement implements SqlStatement {
  #arrays = false;

  constructor(readonly connection: WasmConnection, readonly pointer: Pointer) {}

  setReturnArrays(on: boolean): void {
    this.#arrays = on;
  }

  /** Integers come as bigints only where they have to. */
  setReadBigInts(): void {}

  all(...params: SqlValue[]): unknown[] {
    return [...this.iterate(...params)];
  }

  *iterate(...params: SqlValue[]): Generator<unknown> {
    const { call } = this.connection.engine;
    call.sqlite3_reset(this.pointer);
    params.forEach((value, i) => this.connection.check(this.#bind(i + 1, value)));
    try {
      let names: string[] | null = null;
      for (;;) {
        const result = call.sqlite3_step(this.pointer);
        if (result === DONE) return;
        this.connection.check(result, ROW);
        const count = call.sqlite3_column_count(this.pointer);
        const cells = new Array<SqlValue>(count);
        for (let column = 0; column < count; column++) cells[column] = this.#cell(column);
        yield this.#arrays ? cells : record(names ??= this.#names(count), cells);
      }
    } finally {
      call.sqlite3_reset(this.pointer);
    }
  }

  #bind(index: number, value: SqlValue): number {
    const { engine } = this.connection;
    const { call } = engine;
    if (value === null) return call.sqlite3_bind_null(this.pointer, index);
    if (typeof value === "bigint") return call.sqlite3_bind_int64(this.pointer, index, value);
    if (typeof value === "number") {
      return Number.isSafeInteger(value)
        ? call.sqlite3_bind_int64(this.pointer, index, BigInt(value))
        : call.sqlite3_bind_double(this.pointer, index, value);
    }
    const isText = typeof value === "string";
    const bytes = isText ? new TextEncoder().encode(value) : value;
    const at = putBytes(engine, bytes);
    const bind = isText ? call.sqlite3_bind_text : call.sqlite3_bind_blob;
    const result = bind(this.pointer, index, at, bytes.length, TRANSIENT);
    engine.free(at);
    return result;
  }

  #cell(column: number): SqlValue {
    const { call } = this.connection.engine;
    switch (call.sqlite3_column_type(this.pointer, column)) {
      case FLOAT:
        return call.sqlite3_column_double(this.pointer, column);
      case INTEGER: {
        // Up to 2^53 the double is the integer, and is had at half the cost.
        const value = call.sqlite3_column_double(this.pointer, column);
        return Number.isSafeInteger(value) ? value : call.sqlite3_column_int64(this.pointer, column);
      }
      case TEXT:
        return this.#text(call.sqlite3_column_text(this.pointer, column), column);
      case BLOB:
        return this.#bytes(call.sqlite3_column_blob(this.pointer, column), column).slice();
      default:
        return null;
    }
  }

  #bytes(at: Pointer, column: number): Uint8Array<ArrayBuffer> {
    const length = this.connection.engine.call.sqlite3_column_bytes(this.pointer, column);
    return this.connection.engine.memory().subarray(at, at + length);
  }

  #text(at: Pointer, column: number): string {
    const bytes = this.#bytes(at, column);
    if (bytes.length > SHORT_TEXT) return decoder.decode(bytes);
    let text = "";
    for (const byte of bytes) {
      if (byte > 127) return decoder.decode(bytes);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #names(count: number): string[] {
    const { call, text } = this.connection.engine;
    return Array.from({ length: count }, (_, i) => text(call.sqlite3_column_name(this.pointer, i)));
  }
}

function record(names: readonly string[], cells: readonly SqlValue[]): Record<string, SqlValue> {
  const row: Record<string, SqlValue> = Object.create(null);
  names.forEach((name, i) => row[name] = cells[i] ?? null);
  return row;
}
