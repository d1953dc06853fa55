/**
 * A second SQLite, compiled to WebAssembly, that reads databases through a file system of ours: the one in node:sqlite
 * takes locks and opens logs for writing. It is loaded when it is first needed.
 */
import { installVfs, type PageFile, type RegisteredFile } from "./committed_vfs.ts";

/** Address in the memory of the engine. */
export type Pointer = number;

/** The C functions in use, https://www.sqlite.org/c3ref/funclist.html */
export interface SqliteFunctions {
  sqlite3_open_v2(name: Pointer, db: Pointer, flags: number, vfs: Pointer): number;
  sqlite3_close_v2(db: Pointer): number;
  sqlite3_errmsg(db: Pointer): Pointer;
  sqlite3_prepare_v2(db: Pointer, sql: Pointer, length: number, statement: Pointer, tail: Pointer): number;
  sqlite3_step(statement: Pointer): number;
  sqlite3_reset(statement: Pointer): number;
  sqlite3_finalize(statement: Pointer): number;
  sqlite3_bind_null(statement: Pointer, index: number): number;
  sqlite3_bind_double(statement: Pointer, index: number, value: number): number;
  sqlite3_bind_int64(statement: Pointer, index: number, value: bigint): number;
  sqlite3_bind_text(s: Pointer, index: number, text: Pointer, length: number, free: Pointer): number;
  sqlite3_bind_blob(s: Pointer, index: number, bytes: Pointer, length: number, free: Pointer): number;
  sqlite3_column_count(statement: Pointer): number;
  sqlite3_column_name(statement: Pointer, column: number): Pointer;
  sqlite3_column_type(statement: Pointer, column: number): number;
  sqlite3_column_double(statement: Pointer, column: number): number;
  sqlite3_column_int64(statement: Pointer, column: number): bigint;
  sqlite3_column_text(statement: Pointer, column: number): Pointer;
  sqlite3_column_blob(statement: Pointer, column: number): Pointer;
  sqlite3_column_bytes(statement: Pointer, column: number): number;
}

export interface Engine {
  call: SqliteFunctions;
  /** The memory as it is now: it moves when it grows. */
  memory(): Uint8Array<ArrayBuffer>;
  allocate(bytes: number): Pointer;
  free(pointer: Pointer): void;
  /** A text that ends with a zero. */
  text(pointer: Pointer): string;
  register(file: PageFile): RegisteredFile;
}

let engine: Promise<Engine> | undefined;

export function loadEngine(): Promise<Engine> {
  return engine ??= load();
}

async function load(): Promise<Engine> {
  const { default: init } = await import("@sqlite.org/sqlite-wasm");
  const sqlite = await init();
  const { wasm } = sqlite;
  return {
    call: wasm.exports,
    memory: () => wasm.heap8u() as Uint8Array<ArrayBuffer>,
    allocate: (bytes) => wasm.alloc(bytes),
    free: (pointer) => wasm.dealloc(pointer),
    text: (pointer) => wasm.cstrToJs(pointer) ?? "",
    register: installVfs(sqlite),
  };
}
