/** Runs that are written, spoilt if wanted, and read back. */
import { DatabaseSync } from "node:sqlite";
import { type ReadRun, ResonanceReader } from "../../tests/read_resonance.ts";
import { RunWriter } from "./mod.ts";
import { WriterFolder } from "./writer/testing.ts";

/** Writes one run, lets `change` spoil the database, and reads it back. */
export async function roundTrip(
  write: (writer: RunWriter) => void,
  change: (db: DatabaseSync, folder: string) => void = () => {},
): Promise<ReadRun> {
  using folder = new WriterFolder();
  const path = folder.path("b.db");
  let uid = "";
  RunWriter.with(path, { name: "s" }, (w) => {
    uid = w.openRun("scan");
    write(w);
  });
  {
    using db = new DatabaseSync(path);
    change(db, folder.path("."));
  }
  using reader = new ResonanceReader({ database_path: path });
  return await reader.run(uid);
}

/** Values of a variable of the stream `primary`. */
export function values(read: ReadRun, name: string): unknown[] | undefined {
  return read.netcdf.primary?.variables[name]?.values;
}

/** A run with these events in a stream `primary`. */
export function events(
  data: Record<string, unknown>[],
  keys: Record<string, unknown> = {},
): Promise<ReadRun> {
  return roundTrip((w) => {
    w.openStream("primary", keys);
    for (const event of data) w.writeEvent(event);
  });
}
