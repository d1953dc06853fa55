/** The samples of a beamtime database. */
import { stateError } from "./errors.ts";
import { jsonText } from "./json_text.ts";
import type { WriterDatabase } from "./writer_database.ts";

/** What is measured. Without an id it is found by its name, or entered. */
export interface Sample {
  id?: number;
  name: string;
  formula?: string | null;
  serial?: string | null;
  tags?: readonly string[] | null;
  beamline_pos?: string | null;
  extra?: Record<string, unknown> | null;
}

/**
 * The id of a sample, which is entered when there is none of its name.
 * @throws WriterStateError `sample_not_found` for an unknown id
 */
export function sampleId(db: WriterDatabase, sample: Sample): number {
  if (sample.id !== undefined) {
    if (db.get("SELECT 1 FROM samples WHERE id = ?", sample.id)) return sample.id;
    throw stateError(
      "sample_not_found",
      `there is no sample ${sample.id}`,
      "Leave out the id to find the sample by name.",
    );
  }
  const find = () => {
    const found = db.get("SELECT id FROM samples WHERE name = ? ORDER BY id LIMIT 1", sample.name)?.id;
    return found === undefined ? undefined : Number(found);
  };
  return find() ?? db.transaction(() => {
    // Another writer may have entered it meanwhile.
    const found = find();
    if (found !== undefined) return found;
    const { name, formula, serial, tags, beamline_pos, extra } = sample;
    return Number(
      db.run(
        "INSERT INTO samples (name, formula, serial, tags, beamline_pos, extra) VALUES (?, ?, ?, ?, ?, ?)",
        ...[name, formula ?? null, serial ?? null, jsonText(tags ?? []), beamline_pos ?? null],
        jsonText(extra ?? {}),
      ).lastInsertRowid,
    );
  });
}
