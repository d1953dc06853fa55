/** Names and units of the columns, from the header of a CSV file. */
import { DistinctNames, netcdfName } from "../hdf5/netcdf_names.ts";

export interface ColumnLabel {
  /** Name of the variable, distinct from those of the other columns. */
  name: string;
  /** The header as it stands in the file; absent when it is empty. */
  longName?: string;
  units?: string;
}

/** Name of the dimension of all columns, and of its coordinate. */
export const INDEX = "index";

/** `name (unit)` or `name [unit]` */
const WITH_UNIT = /^(\S.*?)\s+(?:\(([^()]*)\)|\[([^[\]]*)\])$/;

/**
 * Labels of the columns; a name that is used again gets `_2`, `_3` …, a column without a header is called
 * `Unnamed: <number>` as in pandas.
 */
export function columnLabels(headers: string[]): ColumnLabel[] {
  const names = new DistinctNames();
  names.take(INDEX);
  return headers.map((header, i) => {
    const longName = header.trim();
    const [, name = longName, round, square] = WITH_UNIT.exec(longName) ?? [];
    const units = (round ?? square)?.trim();
    return {
      name: names.take(netcdfName(name || `Unnamed: ${i}`)),
      ...(longName ? { longName } : {}),
      ...(units ? { units } : {}),
    };
  });
}
