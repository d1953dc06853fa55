/**
 * The HDF5 library (h5wasm, HDF5 2.0.0 as WebAssembly), loaded when first used.
 *
 * Every failure of the library is thrown: without that, a corrupt chunk reads as zeros. The price is that each thrown
 * error leaks a file descriptor and the library's handles on that file, so the process that read it has to be
 * replaced by a fresh one: {@link hdf5ErrorCount} says when.
 */
import type { Metadata, ready } from "h5wasm/node";
import { SyncError } from "../errors.ts";

/** The low-level functions of the library. */
export type H5Module = Awaited<typeof ready>;

/** The parts of h5wasm that this folder uses. */
export interface Hdf5Library {
  module: H5Module;
  /** Describes a stored type given in h5wasm's notation (`<d`, `S`, `[["r", "<d"], …]`). */
  typeOf(notation: string | [string, string][]): Metadata;
}

let loading: Promise<Hdf5Library> | undefined;
let errors = 0;

/** Loads the library once (about 0.1 s and 60 MB of memory). */
export function loadHdf5(): Promise<Hdf5Library> {
  return loading ??= load();
}

async function load(): Promise<Hdf5Library> {
  const h5wasm = await import("h5wasm/node");
  const module = await h5wasm.ready;
  module.activate_throwing_error_handler();
  return { module, typeOf: (notation) => h5wasm.dtype_to_metadata(notation) };
}

/** Errors thrown by the library in this process so far, each of which leaked a descriptor: recycle the process at ≥ 1. */
export function hdf5ErrorCount(): number {
  return errors;
}

/**
 * Runs a call into the library and turns what it throws into a SyncError.
 * @param doing what is being done to which object of which file, for the message
 * @throws SyncError `hdf5_library_abort` when the WebAssembly code aborted, else as `failure` says
 */
export function callHdf5<T>(
  doing: string,
  call: () => T,
  failure: { class: "data" | "local"; code: string; hint: string } = UNREADABLE,
): T {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof SyncError) throw thrown;
    errors++;
    const reason = describe(thrown);
    if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
      throw new SyncError("data", "hdf5_library_abort", `${doing}: the HDF5 library gave up (${reason})`, {
        hint:
          "The file is damaged; check it with h5dump, and repair or re-save it with the program that wrote it.",
        cause: thrown,
      });
    }
    throw new SyncError(failure.class, failure.code, `${doing}: ${reason}`, {
      hint: failure.hint,
      cause: thrown,
    });
  }
}

const UNREADABLE = {
  class: "data",
  code: "hdf5_unreadable",
  hint: "The file is damaged; check it with h5dump, and repair or re-save it with the program that wrote it.",
} as const;

/** The innermost sentence of an HDF5 error stack, which reads `#000: file line N in f(): sentence` line by line. */
function describe(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const sentences = [...text.matchAll(/^\s*#\d+: .*? in \w+\(\): (.+)$/gm)].map((match) => match[1]);
  return sentences.at(-1) ?? text.split("\n", 1)[0] ?? "";
}

/**
 * Runs a synchronous call with the clock at 1970. HDF5 stamps object headers with the current time and the library has
 * no switch for it; equal content has to give equal bytes.
 */
export function withFixedClock<T>(call: () => T): T {
  const now = Date.now;
  Date.now = () => 0;
  try {
    return call();
  } finally {
    Date.now = now;
  }
}
