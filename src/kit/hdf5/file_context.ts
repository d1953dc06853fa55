/** What the objects of an open file share, and how bytes come out of the library. */
import { SyncError } from "../errors.ts";
import type { VariableLengthStore } from "./decode.ts";
import type { H5Module, Hdf5Library } from "./module.ts";
import { type Hdf5Type, unreadablePart } from "./types.ts";

/** An open file. */
export interface FileContext extends Hdf5Library {
  id: bigint;
  /** Path of the file, for messages. */
  path: string;
  /** Runs a call into the library; see `callHdf5`. */
  call<T>(doing: string, call: () => T): T;
}

/**
 * Checks that values of a type can be read.
 * @throws SyncError `hdf5_unsupported_type`
 */
export function requireReadable(file: { path: string }, what: string, type: Hdf5Type): void {
  const reason = unreadablePart(type);
  if (reason === undefined) return;
  throw new SyncError("data", "hdf5_unsupported_type", `${file.path}: ${what} holds ${reason}`, {
    hint: "Save it with a plain number or text type; the file itself is uploaded all the same.",
  });
}

/** Lends zeroed memory of the library for the duration of a call. */
export function withBuffer<T>(file: FileContext, bytes: number, use: (pointer: bigint) => T): T {
  const pointer = bytes > file.module.MAXIMUM_MEMORY ? 0 : file.module._malloc(bytes);
  if (pointer === 0) throw new RangeError(`no memory for ${bytes} bytes`);
  try {
    // A part that the library leaves out must not show what was in memory before.
    file.module.HEAPU8.fill(0, pointer, pointer + bytes);
    return use(BigInt(pointer));
  } finally {
    file.module._free(pointer);
  }
}

/** A copy of bytes in the library's memory. */
export function copyOut(file: FileContext, pointer: bigint, bytes: number): Uint8Array {
  return file.module.HEAPU8.slice(Number(pointer), Number(pointer) + bytes);
}

/** Values of variable length in the library's memory, to which 32-bit pointers lead. */
export function libraryStore(module: H5Module): VariableLengthStore {
  const uint32 = (bytes: Uint8Array, at: number) =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  return {
    text: (bytes, at) => {
      const start = uint32(bytes, at);
      // A string that was never written is a null pointer.
      return module.HEAPU8.subarray(start, start === 0 ? 0 : module.HEAPU8.indexOf(0, start));
    },
    // hvl_t: length, pointer.
    sequence: (bytes, at, itemBytes) => {
      const length = uint32(bytes, at), start = uint32(bytes, at + 4);
      return { length, bytes: module.HEAPU8.slice(start, start + length * itemBytes) };
    },
  };
}
