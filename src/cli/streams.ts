/** Synchronous output, complete before the process ends; a reader that went away (`… | head`) is no error. */

const encoder = new TextEncoder();

export function writeOut(text: string): void {
  write(Deno.stdout, text);
}

export function writeErr(text: string): void {
  write(Deno.stderr, text);
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (e) {
    if (!(e instanceof Deno.errors.BrokenPipe)) throw e;
  }
}
