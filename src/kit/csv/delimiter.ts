/** Finds out what separates the fields of a CSV file. */
import { readRecords } from "./csv_records.ts";

/** In order of preference. */
const DELIMITERS = [",", ";", "\t"];
/** Records that are looked at. */
const SAMPLE = 100;

/**
 * The delimiter that splits the first records evenly, into the most fields; when none does, the one that splits the
 * header into the most fields. A comma for a table of one column.
 * @param head begin of the text; its last line may be cut off
 */
export function detectDelimiter(head: string): string {
  const complete = head.slice(0, head.lastIndexOf("\n") + 1) || head;
  let best = { delimiter: ",", even: false, fields: 1 };
  for (const delimiter of DELIMITERS) {
    const counts = fieldCounts(complete, delimiter);
    const fields = counts[0] ?? 1;
    const even = fields > 1 && counts.every((count) => count === fields);
    if (even === best.even ? fields > best.fields : even) best = { delimiter, even, fields };
  }
  return best.delimiter;
}

function fieldCounts(text: string, delimiter: string): number[] {
  const counts: number[] = [];
  try {
    readRecords([text], delimiter, "", (fields) => counts.push(fields.length));
  } catch {
    // A quoted field can go on behind the sample; the reading itself reports one that is never closed.
  }
  return counts.slice(0, SAMPLE);
}
