/**
 * Splits CSV text into records (RFC 4180).
 *
 * Written here since the well-kept libraries miss one of our needs each: csv-parse knows lines, but reads 30 MB/s,
 * which is over a minute for the two passes over 1 GB; papaparse is fast, but knows no lines, and parses a
 * quote that is never closed over and over again.
 */
import { csvError } from "./csv_error.ts";

/** A record without end (a quote that is never closed, a file that is no table) is given up after this many characters. */
const MAX_RECORD = 16 * 1024 * 1024;

/** Gets the fields of one record (the array is used again for the next one) and the line on which it begins. */
export type OnRecord = (fields: string[], line: number) => void;

/**
 * Calls `onRecord` for every record; lines that are empty or blank are passed over. A quote inside a field that does
 * not begin with one is an ordinary character.
 * @param file name for messages
 * @throws SyncError `csv_unclosed_quote`, `csv_record_too_long`, with the line
 */
export function readRecords(
  pieces: Iterable<string>,
  delimiter: string,
  file: string,
  onRecord: OnRecord,
): void {
  const fields: string[] = [];
  let line = 1, rest = "", waiting = "";
  for (const piece of pieces) {
    waiting += piece;
    // A long record without its end is looked at again when the text has doubled, not for every piece.
    if (waiting.length < rest.length) continue;
    const text = rest + waiting;
    waiting = "";
    const end = readComplete(text, delimiter, fields, (record, after) => {
      onRecord(record, line + after);
    });
    line += end.lines;
    rest = text.slice(end.position);
    if (rest.length > MAX_RECORD) throw endless(rest, file, line);
  }
  rest += waiting;
  if (rest === "") return;
  const last = rest.endsWith("\n") ? rest : rest + "\n";
  const end = readComplete(last, delimiter, fields, (record, after) => onRecord(record, line + after));
  if (end.position < last.length) throw unclosed(file, line + end.lines);
}

/** Reads the records that end inside `text`; lines are counted from its begin. */
function readComplete(
  text: string,
  delimiter: string,
  fields: string[],
  onRecord: OnRecord,
): { position: number; lines: number } {
  let position = 0, lines = 0, quote = nextOf(text, '"', 0);
  for (let newline = text.indexOf("\n"); newline >= 0; newline = text.indexOf("\n", position)) {
    fields.length = 0;
    if (quote < position) quote = nextOf(text, '"', position);
    let end = newline;
    if (quote > newline) {
      let from = position;
      for (
        let to = text.indexOf(delimiter, from);
        to >= 0 && to < newline;
        to = text.indexOf(delimiter, from)
      ) {
        fields.push(text.slice(from, to));
        from = to + 1;
      }
      fields.push(text.slice(from, newline));
    } else {
      end = splitQuoted(text, position, delimiter, fields);
      if (end < 0) break;
    }
    if (fields.length > 1 || !isBlank(text, position, end)) onRecord(fields, lines);
    lines += end === newline ? 1 : countNewlines(text, position, end);
    position = end + 1;
  }
  return { position, lines };
}

/** Splits a record that holds quotes; gives the position of the newline at its end, or -1 when the text ends first. */
function splitQuoted(text: string, start: number, delimiter: string, fields: string[]): number {
  for (let at = start;;) {
    let value = "", end = at;
    if (text[at] === '"') {
      let from = at + 1, close = text.indexOf('"', from);
      // Two quotes stand for one.
      for (; close >= 0 && text[close + 1] === '"'; close = text.indexOf('"', from)) {
        value += text.slice(from, close + 1);
        from = close + 2;
      }
      if (close < 0) return -1;
      value += text.slice(from, close);
      end = close + 1;
    }
    // What stands behind a closing quote belongs to the field, as in pandas.
    const tail = end;
    while (end < text.length && text[end] !== delimiter && text[end] !== "\n") end++;
    if (end === text.length) return -1;
    fields.push(value + text.slice(tail, end));
    if (text[end] === "\n") return end;
    at = end + 1;
  }
}

/** Newlines in the text from `from` to `to`, both included. */
function countNewlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at <= to; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function nextOf(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at < 0 ? Infinity : at;
}

function isBlank(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text[i] !== " ") return false;
  return true;
}

function endless(rest: string, file: string, line: number) {
  return rest.includes('"') ? unclosed(file, line) : csvError(
    "csv_record_too_long",
    file,
    line,
    `more than ${MAX_RECORD / 1024 / 1024} MiB without an end of line`,
    "Check that the file is a CSV table.",
  );
}

function unclosed(file: string, line: number) {
  return csvError(
    "csv_unclosed_quote",
    file,
    line,
    "a quoted field that begins here is never closed",
    'Close the field with ", or remove the quote.',
  );
}
