/** The two passes over a CSV file: what is in it, and its rows. */
import path from "node:path";
import { SyncError } from "../../src/kit/errors.ts";
import { type ColumnDtype, ColumnType } from "../../src/kit/csv/column_type.ts";
import { csvError } from "../../src/kit/csv/csv_error.ts";
import { readRecords } from "../../src/kit/csv/csv_records.ts";
import { type CsvEncoding, csvText, encodingOf, WrongEncoding } from "../../src/kit/csv/csv_text.ts";
import { detectDelimiter } from "../../src/kit/csv/delimiter.ts";
import { type ColumnLabel, columnLabels } from "../../src/kit/csv/header.ts";

export interface CsvColumn extends ColumnLabel {
  dtype: ColumnDtype;
}

export interface CsvTable {
  columns: CsvColumn[];
  rows: number;
  delimiter: string;
  encoding: CsvEncoding;
}

/**
 * Reads the whole file for its shape and types. Bytes that are not UTF-8 are read as Windows-1252 (Latin-1), which is
 * logged.
 * @throws SyncError with the line: `csv_no_header`, `csv_no_rows`, `csv_uneven_row`, `csv_unclosed_quote`,
 * `csv_record_too_long`, `csv_not_text`
 */
export function inferTable(input: string, log: (message: string) => void): CsvTable {
  const encoding = encodingOf(input);
  try {
    return infer(input, encoding);
  } catch (error) {
    if (!(error instanceof WrongEncoding)) throw error;
    if (encoding !== "utf-8") {
      throw csvError(
        "csv_not_text",
        path.basename(input),
        1,
        `the file begins as ${encoding}, but is not`,
        "Save it as UTF-8.",
      );
    }
    log(`${path.basename(input)} is not UTF-8: read as Windows-1252 (Latin-1)`);
    return infer(input, "windows-1252");
  }
}

function infer(input: string, encoding: CsvEncoding): CsvTable {
  const file = path.basename(input);
  const delimiter = detectDelimiter(csvText(input, encoding).next().value ?? "");
  let headers: string[] | undefined, types: ColumnType[] = [], rows = 0;
  readRecords(csvText(input, encoding), delimiter, file, (fields, line) => {
    if (headers === undefined) {
      headers = [...fields];
      types = headers.map(() => new ColumnType());
      if (headers.some((header) => header.includes("\0"))) throw notText(file, line);
      return;
    }
    if (fields.length !== types.length) throw uneven(file, line, fields.length, types.length);
    for (let i = 0; i < types.length; i++) {
      const type = types[i], field = fields[i] ?? "";
      type?.observe(field);
      if (type?.dtype === "text" && field.includes("\0")) throw notText(file, line);
    }
    rows++;
  });
  if (headers === undefined) {
    throw csvError(
      "csv_no_header",
      file,
      1,
      "the file is empty",
      "Write a header and rows, or skip the file.",
    );
  }
  if (rows === 0) {
    throw csvError("csv_no_rows", file, 1, "no rows follow the header", "Write rows, or skip the file.");
  }
  const labels = columnLabels(headers);
  return {
    columns: labels.map((label, i) => ({ ...label, dtype: types[i]?.dtype ?? "text" })),
    rows,
    delimiter,
    encoding,
  };
}

/**
 * Reads the rows again.
 * @throws SyncError `csv_changed` (class busy) when the file is not what it was in the first pass
 */
export function readRows(input: string, table: CsvTable, onRow: (fields: string[]) => void): void {
  const file = path.basename(input);
  // The first record is the header.
  let rows = -1;
  const changed = (cause?: unknown) =>
    new SyncError("busy", "csv_changed", `${file} changed while it was read`, {
      hint: "It is converted again when it is quiet.",
      cause,
    });
  try {
    readRecords(csvText(input, table.encoding), table.delimiter, file, (fields) => {
      if (fields.length !== table.columns.length || rows >= table.rows) throw changed();
      if (rows >= 0) onRow(fields);
      rows++;
    });
  } catch (error) {
    throw error instanceof WrongEncoding || error instanceof SyntaxError ? changed(error) : error;
  }
  if (rows !== table.rows) throw changed();
}

function uneven(file: string, line: number, fields: number, columns: number): SyncError {
  return csvError(
    "csv_uneven_row",
    file,
    line,
    `${fields} fields, but the header has ${columns}`,
    "Give every row as many fields as the header, or skip the file.",
  );
}

function notText(file: string, line: number): SyncError {
  return csvError(
    "csv_not_text",
    file,
    line,
    "holds a zero byte, so it is not text (or UTF-16 without a byte order mark)",
    "Save the table as UTF-8.",
  );
}
