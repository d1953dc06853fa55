/** The body of a PUT on its way to a file. */
import { HubError } from "../hub_error.ts";
import { PIECE } from "./content_hash.ts";

/**
 * Writes a body to an open file from where it stands; holds one piece of it in memory.
 * @param length bytes that the sender announced
 * @param onPiece sees each piece while it is written
 * @param mayWrite is asked right before each write, and may refuse it by throwing
 * @throws HubError 400 when more or fewer bytes arrive
 */
export async function writeBody(
  file: Deno.FsFile,
  body: ReadableStream<Uint8Array> | null,
  length: number,
  onPiece: (piece: Uint8Array, written: Promise<void>) => void,
  mayWrite: () => void = () => {},
): Promise<void> {
  let total = 0;
  for await (const piece of pieces(body, length)) {
    mayWrite();
    const written = writeAll(file, piece);
    onPiece(piece, written);
    await written;
    total += piece.length;
  }
  if (total < length) throw wrongLength(length, `only ${total}`);
}

/** The body of a request that is known to be short. @throws HubError 400 when more or fewer bytes arrive */
export async function wholeBody(request: Request, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await request.bytes();
  if (bytes.length > length) throw wrongLength(length, "more");
  if (bytes.length < length) throw wrongLength(length, `only ${bytes.length}`);
  return bytes;
}

/** A body in pieces of up to 1 MiB, whatever it arrives in; a piece is overwritten by the next one. */
async function* pieces(body: ReadableStream<Uint8Array> | null, length: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(PIECE, length));
  let filled = 0;
  let total = 0;
  for await (const chunk of body ?? []) {
    total += chunk.length;
    if (total > length) throw wrongLength(length, "more");
    for (let taken = 0; taken < chunk.length;) {
      const part = chunk.subarray(taken, taken + buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled === buffer.length) {
        yield buffer;
        filled = 0;
      }
    }
  }
  if (filled) yield buffer.subarray(0, filled);
}

export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  const isShort = bytes.length <= SHORT;
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    done += isShort ? file.writeSync(rest) : await file.write(rest);
  }
}

/** Written at once, bytes: into the system's cache, that takes less time than handing them to another thread. */
const SHORT = 64 * 1024;

function wrongLength(announced: number, arrived: string): HubError {
  return new HubError(400, `Content-Length announced ${announced} bytes, ${arrived} arrived`);
}
