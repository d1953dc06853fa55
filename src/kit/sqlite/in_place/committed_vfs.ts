/** The file system through which the WebAssembly SQLite sees committed states of databases, and nothing else. */
import type { Sqlite3Static } from "@sqlite.org/sqlite-wasm";

/** What SQLite is to read: bytes at positions. */
export interface PageFile {
  /** Bytes. */
  readonly size: number;
  /** Fills `bytes` with what is at `position`; throws when it cannot. */
  read(bytes: Uint8Array, position: number): void;
}

/** A file that SQLite may open by its name. */
export interface RegisteredFile extends Disposable {
  readonly name: string;
  /** Why a read of it failed last, once. */
  takeFailure(): unknown;
}

export const VFS_NAME = "committed";

// Result codes and numbers, https://www.sqlite.org/rescode.html and https://www.sqlite.org/c3ref/file_control.html
const OK = 0 as const;
const READ_ONLY = 8 as const;
const NOT_FOUND = 12 as const;
const CANNOT_OPEN = 14 as const;
const READ_FAILED = 266 as const;
/** ms from the first Julian day to 1970. */
const JULIAN_EPOCH_MS = 210866760000000;

interface Entry {
  file: PageFile;
  failure: unknown;
}

/**
 * Adds the file system to a SQLite. Methods never throw: an exception would leave the C code in an undefined state.
 * @returns registers a file
 */
export function installVfs({ capi, vfs, wasm }: Sqlite3Static): (file: PageFile) => RegisteredFile {
  const entries = new Map<string, Entry>();
  /** By the address of SQLite's own record of an open file. */
  const open = new Map<number, Entry>();
  const view = () => new DataView(wasm.heap8u().buffer);
  // Each method is a function of its own: one that is shared would keep the signature of its first use.

  const io = new capi.sqlite3_io_methods();
  const system = new capi.sqlite3_vfs();
  Object.assign(io, { $iVersion: 1 });
  Object.assign(system, { $iVersion: 1, $szOsFile: 8, $mxPathname: 64 });
  vfs.installVfs({
    io: {
      struct: io,
      methods: {
        xClose: (file) => {
          open.delete(file);
          return OK;
        },
        xRead: (file, to, length, position) => {
          const entry = open.get(file);
          if (!entry) return READ_FAILED;
          try {
            entry.file.read(wasm.heap8u().subarray(to, to + length), Number(position));
            return OK;
          } catch (e) {
            entry.failure = e;
            return READ_FAILED;
          }
        },
        xFileSize: (file, answer) => {
          view().setBigInt64(answer, BigInt(open.get(file)?.file.size ?? 0), true);
          return OK;
        },
        xWrite: () => READ_ONLY,
        xTruncate: () => READ_ONLY,
        xSync: () => OK,
        xLock: () => OK,
        xUnlock: () => OK,
        xCheckReservedLock: (_file, answer) => {
          view().setInt32(answer, 0, true);
          return OK;
        },
        xFileControl: () => NOT_FOUND,
        xDeviceCharacteristics: () => OK,
      },
    },
    vfs: {
      struct: system,
      name: VFS_NAME,
      methods: {
        xOpen: (_vfs, name, file, flags, flagsOut) => {
          // Temporary files have no name; SQLite keeps them in memory.
          const entry = name === 0 ? undefined : entries.get(wasm.cstrToJs(name) ?? "");
          view().setUint32(file, entry ? io.pointer : 0, true);
          if (!entry) return CANNOT_OPEN;
          open.set(file, entry);
          if (flagsOut !== 0) view().setInt32(flagsOut, flags, true);
          return OK;
        },
        xDelete: () => READ_ONLY,
        // There is no journal and no log beside it.
        xAccess: (_vfs, _name, _flags, answer) => {
          view().setInt32(answer, 0, true);
          return OK;
        },
        xFullPathname: (_vfs, name, length, to) => {
          const bytes = new TextEncoder().encode(`${wasm.cstrToJs(name) ?? ""}\0`);
          if (bytes.length > length) return CANNOT_OPEN;
          wasm.heap8u().set(bytes, to);
          return OK;
        },
        xRandomness: (_vfs, length, to) => {
          wasm.heap8u().set(crypto.getRandomValues(new Uint8Array(length)), to);
          return OK;
        },
        xSleep: () => OK,
        xCurrentTime: (_vfs, to) => {
          view().setFloat64(to, (Date.now() + JULIAN_EPOCH_MS) / 86_400_000, true);
          return OK;
        },
        xGetLastError: () => OK,
      },
    },
  });

  let count = 0;
  return (file) => {
    const entry: Entry = { file, failure: undefined };
    const name = `state-${++count}`;
    entries.set(name, entry);
    return {
      name,
      takeFailure: () => {
        const { failure } = entry;
        entry.failure = undefined;
        return failure;
      },
      [Symbol.dispose]: () => void entries.delete(name),
    };
  };
}
