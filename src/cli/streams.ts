/** Synchronous output, complete before the process ends; a reader that went away (`… | head`) is no error. */

const encoder = new TextEncoder();

/** @returns false when nobody reads any more */
export function writeOut(text: string): boolean {
  return write(Deno.stdout, text);
}

export function writeErr(text: string): void {
  write(Deno.stderr, text);
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    return true;
  } catch (e) {
    if (!(e instanceof Deno.errors.BrokenPipe)) throw e;
    return false;
  }
}
