/** A text table (`.csv`, `.txt`) to which rows are appended. Its names and units are those of the CSV converter. */
import { ColumnType, floatOf } from "../../../src/kit/csv/column_type.ts";
import { type ColumnLabel, columnLabels, INDEX } from "../../../src/kit/csv/header.ts";
import { fingerprintText } from "../../../src/kit/fingerprint.ts";
import type { LiveChange, LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import type { FileLook, FileStructure, FollowedFile } from "./followed_file.ts";
import { TableText } from "./table_text.ts";

/** A file that does not change may have been written within one tick of the file system's clock: looked at so often. */
const REPEATED_LOOKS = 3;

interface Column {
  label: ColumnLabel;
  type: ColumnType;
  dtype: LiveDtype;
}

export class TableFile implements FollowedFile {
  readonly #text: TableText;
  readonly #columns: Column[] = [];
  /** Rows that were read, but not given yet. */
  #waiting: string[][] = [];
  #rows = 0;
  #seen = { fingerprint: "", looks: 0 };

  constructor(readonly path: string) {
    this.#text = new TableText(path);
  }

  /** The types are those of the rows that are there; a later row of another type makes it a new structure. */
  structure(): FileStructure | undefined {
    const { records } = this.#text.next(this.#text.stat());
    const [header, ...rows] = records;
    // The types are seen in the first row.
    if (!header || rows.length === 0) return undefined;
    // Comment signs of numpy.savetxt are no part of a name.
    const names = header.map((name, i) => i === 0 ? name.replace(/^#\s*/, "") : name);
    for (const label of columnLabels(names)) {
      const type = new ColumnType(), i = this.#columns.length;
      for (const row of rows) type.observe(row[i] ?? "");
      this.#columns.push({ label, type, dtype: streamed(type) });
    }
    this.#waiting = rows;
    return {
      variables: this.#columns.map(({ label, dtype }) => ({
        name: label.name,
        dtype,
        dims: [INDEX],
        shape: [0],
        role: "measured",
        units: label.units ?? null,
        long_name: label.longName ?? null,
        depends_on: [],
      })),
      attrs: {},
    };
  }

  look(): FileLook {
    const stat = this.#text.stat(), fingerprint = fingerprintText(stat);
    if (this.#text.isOther(stat)) return { changes: [], anew: true };
    if (fingerprint !== this.#seen.fingerprint) this.#seen = { fingerprint, looks: 0 };
    const isKnown = this.#seen.looks >= REPEATED_LOOKS && this.#waiting.length === 0;
    if (isKnown) return { changes: [] };
    const { records, more } = this.#text.next(stat);
    this.#seen.looks = more ? 0 : this.#seen.looks + 1;
    const rows = [...this.#waiting, ...records];
    this.#waiting = [];
    if (rows.length === 0) return { changes: [], more };
    if (this.#columns.some((column, i) => !fits(column, rows, i))) return { changes: [], anew: true };
    const changes = this.#columns.map((column, i): LiveChange => ({
      type: "patch",
      var: column.label.name,
      offset: [this.#rows],
      shape: [rows.length],
      values: valuesOf(column.dtype, rows.map((row) => row[i] ?? "")),
    }));
    this.#rows += rows.length;
    return { changes, more };
  }

  [Symbol.dispose](): void {}
}

/** Numbers are floats, also where all were integers until now: the next one may have a fraction. */
function streamed(type: ColumnType): LiveDtype {
  return type.dtype === "text" ? "text" : "f8";
}

/** Whether further rows are of the column's type. */
function fits({ type, dtype }: Column, rows: string[][], i: number): boolean {
  for (const row of rows) type.observe(row[i] ?? "");
  return dtype === "text" || streamed(type) === dtype;
}

function valuesOf(dtype: LiveDtype, fields: string[]): LiveValues {
  return dtype === "text" ? fields : Float64Array.from(fields, floatOf);
}
