import type { ByteRange } from "./byte_range.ts";

const CHUNK = 256 * 1024;

/** A part of an open file as a stream; the file is closed at its end, or when nobody wants it any more. */
export function streamFile(file: Deno.FsFile, range: ByteRange): ReadableStream<Uint8Array> {
  let at = range.start;
  return new ReadableStream({
    async start() {
      await file.seek(at, Deno.SeekMode.Start);
    },
    async pull(controller) {
      try {
        const buffer = new Uint8Array(Math.min(CHUNK, range.end - at));
        const n = buffer.length === 0 ? null : await file.read(buffer);
        if (n === null) {
          file.close();
          controller.close();
          return;
        }
        at += n;
        controller.enqueue(buffer.subarray(0, n));
      } catch (e) {
        file.close();
        throw e;
      }
    },
    cancel() {
      file.close();
    },
  }, { highWaterMark: 0 });
}
