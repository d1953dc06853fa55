/** Reads one measurement into a draft. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ZodError } from "zod";
import type { ReadContext, ReadItem } from "../../src/kit/define_backend.ts";
import type { DraftLog, FileDraft, ReadResult } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import { hasPoints, measuredArrays } from "./arrays.ts";
import { deniedObject } from "./check_access.ts";
import type { CoreToolsDatabase } from "./config.ts";
import { type Database, withSnapshot } from "./connection.ts";
import { attributesOf, fieldsOf, keywordsIn } from "./describe.ts";
import { ObjectDenied } from "./large_object.ts";
import { type Measurement, readMeasurementRow } from "./overview.ts";
import { type Parameter, readParameters } from "./parameter_table.ts";
import { readSequence } from "./pulse_sequence.ts";
import { type JsonText, mapBelow, readJson } from "./snapshot_json.ts";
import { timesOf } from "./times.ts";
import { waveforms } from "./waveforms.ts";

const MEASUREMENT = {
  name: "measurement",
  filename: "measured_data.hdf5",
  type: "HDF5_NETCDF",
  staged: true,
  file_generator: "core-tools",
} as const;
const PULSES = { ...MEASUREMENT, name: "pulses", filename: "pulses.hdf5" } as const;

/** What a draft is made of besides its fields. */
interface Findings {
  files: FileDraft[];
  logs: DraftLog[];
  problems: ErrorData[];
}

/**
 * Reads a measurement as it is in one moment: its fields, and its arrays as netCDF in the staging folder. What is
 * damaged becomes a problem of the draft.
 * @throws SyncError of class data when the measurement itself cannot be read; source, permission, local
 */
export async function readMeasurement(
  database: CoreToolsDatabase,
  item: ReadItem,
  context: ReadContext,
): Promise<ReadResult> {
  try {
    return await withSnapshot(database.server, (db) => read(db, database, item.identifier, context));
  } catch (e) {
    throw e instanceof ObjectDenied ? await deniedObject(database.server, e) : e;
  }
}

async function read(
  db: Database,
  { server }: CoreToolsDatabase,
  id: string,
  context: ReadContext,
): Promise<ReadResult> {
  const measurement = await readMeasurementRow(db, server, id);
  const findings: Findings = { files: [], logs: [], problems: [] };
  const parameters = await damageNoted(findings, () => readParameters(db, measurement)) ?? [];
  const isWanted = measurement.completed || context.metadataOnly;
  if (!isWanted && findings.problems.length === 0 && !await hasPoints(db, parameters)) {
    return { not_started: `measurement ${id} was registered, but no point was measured` };
  }
  const times = timesOf(measurement, context.timeZone);
  const started = times.started;
  if (started === undefined) throw noTime(id);
  const created = Math.floor(started);
  const snapshot = readJson(measurement.snapshot, "snapshot");
  const metadata = readJson(measurement.metadata, "metadata");
  const keywords = keywordsIn(measurement.keywords);
  findings.logs.push(...snapshot.logs, ...metadata.logs, ...keywords.logs);

  await damageNoted(findings, async () => {
    if (parameters.length === 0 || context.metadataOnly) return;
    const { arrays, logs, problems } = await measuredArrays(db, parameters, measurement.data_cleared);
    findings.logs.push(...logs);
    findings.problems.push(...problems);
    const attrs = attributesOf(measurement, times, keywords.list, snapshot, metadata);
    const path = join(context.staging, MEASUREMENT.filename);
    await writeNetcdf(path, { arrays, attrs });
    findings.files.push({
      ...MEASUREMENT,
      path,
      created,
      data_key: dataKey(measurement, parameters, context),
    });
  });
  if (!context.metadataOnly) await addPulses(findings, snapshot, created, context);
  return {
    draft: {
      ...fieldsOf(measurement, server.dbname, keywords.list, started),
      files: findings.files,
      ...(findings.logs.length > 0 ? { logs: findings.logs } : {}),
      ...(findings.problems.length > 0 ? { problems: findings.problems } : {}),
      state: measurement.completed ? "complete" : "incomplete",
    },
  };
}

/** Does what damage in the database may prevent: the rest of the measurement is published all the same. */
async function damageNoted<T>(findings: Findings, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof SyncError) || e.class !== "data") throw e;
    findings.problems.push(e.toData());
    return undefined;
  }
}

function noTime(id: string): SyncError {
  return new SyncError(
    "data",
    "no_time",
    `measurement ${id}: neither its uuid nor start_time says when it began`,
    {
      hint: "Set start_time of its row in global_measurement_overview.",
    },
  );
}

/**
 * Changes with everything in the file but the name, the star and the keywords: giving these later is a change of
 * metadata alone, which sends no file (S8).
 */
function dataKey(measurement: Measurement, parameters: readonly Parameter[], context: ReadContext): string {
  const { exp_name: _name, starred: _starred, keywords: _keywords, snapshot, metadata, ...data } =
    measurement;
  const hash = createHash("sha256");
  for (const bytes of [snapshot, metadata]) hash.update(bytes ?? "").update("\0");
  return hash.update(JSON.stringify([data, parameters, context.version, context.timeZone])).digest("hex");
}

/** The pulses of the snapshot's sequence as a file of their own; what is wrong with them costs this file only. */
async function addPulses(
  findings: Findings,
  snapshot: JsonText,
  created: number,
  context: ReadContext,
): Promise<void> {
  const sequence = mapBelow(snapshot.value, "measurement", "sequence");
  if (!sequence || !Object.keys(sequence).some((key) => /^pc\d+$/.test(key))) return;
  const text = JSON.stringify(sequence);
  const path = join(context.staging, PULSES.filename);
  try {
    const arrays = waveforms(readSequence(sequence));
    if (arrays.length === 0) return;
    await writeNetcdf(path, { arrays, attrs: { pulses: text } });
    const data_key = createHash("sha256").update(`${context.version} ${text}`).digest("hex");
    findings.files.push({ ...PULSES, path, created, data_key });
  } catch (e) {
    if (e instanceof SyncError && e.class !== "data") throw e;
    findings.logs.push({
      code: "pulses_failed",
      message: `the pulse sequence cannot be drawn and is left out: ${reasonIn(e)}`,
    });
  }
}

function reasonIn(thrown: unknown): string {
  if (!(thrown instanceof ZodError)) return thrown instanceof Error ? thrown.message : String(thrown);
  return thrown.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}
