/** A folder with data of every acquisition system, and the configuration that makes a source of each. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { stringify } from "smol-toml";
import { RunWriter } from "../../backends/resonance/mod.ts";
import { layOutSources } from "../all_sources.ts";
import { copyFolder } from "../convert.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;

export interface SourceSettings {
  name: string;
  backend: string;
  config: Record<string, string | number | boolean>;
  /** Items that are synchronized; the fixtures hold damaged and unfinished ones besides. */
  synchronized: number;
}

export interface EverySource extends AsyncDisposable {
  /** Everything the user owns lies below it. */
  root: string;
  sources: SourceSettings[];
}

/**
 * Trees of dataset folders; QCoDeS databases with a `-wal` that nobody has open, with one that a measurement has
 * open, with a rollback journal, and write-protected; Quantify's and Labber's data; Resonance's, one database with a run
 * that is being measured.
 */
export async function layOutEverySource(): Promise<EverySource> {
  const laidOut = await layOutSources();
  const { root } = laidOut;
  for (const name of ["quantify", "labber", "resonance"]) {
    await copyFolder(join(FIXTURES, name), join(root, name));
  }
  const measuring = openForMeasurement(await copyDatabase(join(root, "live")), "wal");
  const halfway = openForMeasurement(await copyDatabase(join(root, "rollback")), "delete");
  halfway.exec(
    "BEGIN IMMEDIATE; UPDATE runs SET inspectr_tag = 'star' WHERE run_id = 1; PRAGMA cache_spill = 1",
  );
  const beamline = new RunWriter(join(root, "resonance", "2026-03-05.db"), { name: "PS-thin-film" }).open();
  beamline.openRun("night_scan");
  beamline.openStream("primary", {});
  beamline.writeImage(beamline.writeEvent({ x: 1 }), "ccd", { data: Uint16Array.of(1), shape: [1, 1] });
  const readOnly = await copyDatabase(join(root, "read_only"));
  await Deno.chmod(readOnly, 0o444);
  await Deno.chmod(join(root, "read_only"), 0o555);

  const folder = (name: string, level: number, synchronized: number): SourceSettings => ({
    name,
    backend: "folderbase",
    config: { root_directory: join(root, name), level, is_server_folder: false },
    synchronized,
  });
  const database = (path: string, synchronized: number): SourceSettings => ({
    name: path,
    backend: "qcodes",
    config: { database_path: join(root, path), set_up: "fridge" },
    synchronized,
  });
  return {
    root,
    sources: [
      folder("level_any", -1, 18),
      folder("level_1", 1, 2),
      folder("level_2", 2, 4),
      database("qcodes/experiments.db", 28),
      database("wal_case/wal_only.db", 1),
      database("old/v0.db", 10),
      database("live/experiments.db", 28),
      database("rollback/experiments.db", 28),
      database("read_only/experiments.db", 28),
      {
        name: "quantify",
        backend: "quantify",
        config: { quantify_directory: join(root, "quantify", "quantify-data"), set_up: "fridge" },
        synchronized: 14,
      },
      {
        name: "labber",
        backend: "labber",
        config: { labber_directory: join(root, "labber", "Labber_Data"), set_up: "fridge" },
        synchronized: 14,
      },
      {
        name: "resonance",
        backend: "resonance",
        config: { data_directory: join(root, "resonance") },
        synchronized: 15,
      },
    ],
    async [Symbol.asyncDispose]() {
      beamline.close();
      halfway.close();
      measuring.close();
      await Deno.chmod(join(root, "read_only"), 0o755);
      await laidOut[Symbol.asyncDispose]();
    },
  };
}

/** Text of a `config.toml` that makes these sources, all in the scope `default`. @param more other settings */
export function sourcesToml(
  sources: readonly Pick<SourceSettings, "name" | "backend" | "config">[],
  more: Record<string, unknown> = {},
): string {
  return stringify({
    ...more,
    sources: sources.map(({ name, backend, config }) => ({ name, backend, config, scope: "default" })),
  });
}

async function copyDatabase(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  const path = join(folder, "experiments.db");
  await Deno.copyFile(join(FIXTURES, "qcodes", "experiments.db"), path);
  return path;
}

/** A connection as a measurement holds it, with a row in the journal. */
function openForMeasurement(path: string, journal: "wal" | "delete"): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = ${journal}; UPDATE runs SET inspectr_tag = 'cross' WHERE run_id = 2`);
  return db;
}
