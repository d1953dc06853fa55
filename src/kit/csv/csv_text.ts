/** The text of a CSV file: decoded, piece by piece, with `\n` at the ends of lines. */
import fs from "node:fs";
import { reading } from "../file_failures.ts";

export type CsvEncoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** Thrown when the bytes are not of the encoding. */
export class WrongEncoding extends Error {}

/** Small, so that the strings cut from a piece die young: with 1 MiB the heap takes 90 MB more, and half as long again. */
const PIECE_BYTES = 1 << 14;

/** UTF-16 when the file says so by its byte order mark, else UTF-8. */
export function encodingOf(path: string): CsvEncoding {
  const mark = new Uint8Array(2);
  const file = reading(path, () => fs.openSync(path, "r"));
  try {
    reading(path, () => fs.readSync(file, mark, 0, 2, 0));
  } finally {
    fs.closeSync(file);
  }
  if (mark[0] === 0xff && mark[1] === 0xfe) return "utf-16le";
  return mark[0] === 0xfe && mark[1] === 0xff ? "utf-16be" : "utf-8";
}

/**
 * Pieces of about 16 KiB, without byte order mark; `\r\n` and a lone `\r` become `\n`, also inside quotes.
 * @throws WrongEncoding
 */
export function* csvText(path: string, encoding: CsvEncoding): Generator<string, void, undefined> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const bytes = new Uint8Array(PIECE_BYTES);
  const file = reading(path, () => fs.openSync(path, "r"));
  try {
    // A `\r` at the end of a piece waits for the `\n` that may follow.
    let held = "";
    for (let length = -1; length !== 0;) {
      length = reading(path, () => fs.readSync(file, bytes, 0, bytes.length, null));
      const text = held + decode(decoder, bytes.subarray(0, length), length > 0);
      held = length > 0 && text.endsWith("\r") ? "\r" : "";
      const piece = held ? text.slice(0, -1) : text;
      if (piece !== "") yield piece.includes("\r") ? piece.replace(/\r\n?/g, "\n") : piece;
    }
  } finally {
    fs.closeSync(file);
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array, stream: boolean): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (cause) {
    throw new WrongEncoding(`not ${decoder.encoding}`, { cause });
  }
}
