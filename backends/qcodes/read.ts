/** Reads one run into a draft (behaviour of the dataset fields: §9.3 of the backend's contract). */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import type { ReadContext, ReadItem } from "../../src/kit/define_backend.ts";
import type { DatasetDraft, DraftLog, FileDraft, ReadResult } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { Scratch } from "../../src/kit/grid/scratch.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { isoFromMs } from "../../src/kit/time.ts";
import { assemble } from "./assemble.ts";
import { collectTree } from "./collect.ts";
import type { QcodesConfig } from "./config.ts";
import { corrupt, lastRow, readDescription, readRun, type Run } from "./database.ts";
import { findExportedFile } from "./in_memory.ts";
import { type RunDescription, topLevelParameters } from "./interdependencies.ts";
import { flattened, userMetadata } from "./meta_instrument.ts";

const FILE = {
  name: "measurement",
  filename: "measured_data.hdf5",
  type: "HDF5_NETCDF",
  file_generator: "QCoDeS",
} as const;

/**
 * Reads a run: metadata, and its data as netCDF in the staging folder. Damaged data become a problem of the draft.
 * @throws SyncError of class data when the run itself cannot be read, else busy, source or local
 */
export function readRunItem(config: QcodesConfig, item: ReadItem, context: ReadContext): Promise<ReadResult> {
  return withReadOnly(config.database_path, async (db): Promise<ReadResult> => {
    const run = readRun(db, Number(item.identifier));
    const last = run.hasTable ? lastRow(db, run.resultTable) : 0;
    if (run.runTimestamp === null && last === 0) {
      return {
        not_started: `run ${run.runId} was created but not started: it has no start time and no rows`,
      };
    }
    const started = startOf(db, run);
    const { file, parameters, logs, problems } = await dataOf(db, config, run, started, context);
    const draft = draftOf(config, run, parameters, started);
    return {
      draft: {
        ...draft,
        files: file ? [file] : [],
        ...(logs.length > 0 ? { logs } : {}),
        ...(problems.length > 0 ? { problems } : {}),
        state: run.isCompleted ? "complete" : "incomplete",
      },
    };
  }, { temp: context.staging });
}

/** Start in ms since 1970 UTC: the run's own, else the time inside its guid, else the experiment's. */
function startOf(db: ReadOnlyDatabase, run: Run): number {
  if (run.runTimestamp !== null) return run.runTimestamp * 1000;
  // guid: ssssssss-llww-wwww-tttt-tttttttttttt, t = ms since 1970 (qcodes.dataset.guids).
  const time = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(run.guid ?? "");
  if (time) return Number(BigInt(`0x${time[1]}${time[2]}`));
  if (run.completedTimestamp !== null) return run.completedTimestamp * 1000;
  const experiment = db.get(
    "SELECT e.start_time AS t FROM experiments AS e JOIN runs AS r ON r.exp_id = e.exp_id WHERE r.run_id = ?",
    run.runId,
  );
  const start = Number(experiment?.t ?? NaN);
  if (Number.isFinite(start)) return start * 1000;
  throw corrupt(`run ${run.runId}, table "runs"`, "no usable time is recorded");
}

interface RunData {
  file: FileDraft | null;
  /** null when the description itself is damaged. */
  parameters: RunDescription | null;
  logs: DraftLog[];
  problems: ErrorData[];
}

async function dataOf(
  db: ReadOnlyDatabase,
  config: QcodesConfig,
  run: Run,
  started: number,
  context: ReadContext,
): Promise<RunData> {
  const created = Math.floor(started);
  let parameters: RunDescription | null = null;
  try {
    parameters = readDescription(db, run);
    if (context.metadataOnly) return { file: null, parameters, logs: [], problems: [] };
    if (!run.hasTable) {
      const { path, logs } = await findExportedFile(config.database_path, run);
      return {
        file: path ? { ...FILE, path, staged: false, created } : null,
        parameters,
        logs,
        problems: [],
      };
    }
    const path = join(context.staging, FILE.filename);
    const logs = await writeMeasurement(db, run, parameters, path, context);
    const data_key = dataKey(run, lastRow(db, run.resultTable), context);
    return { file: { ...FILE, path, staged: true, created, data_key }, parameters, logs, problems: [] };
  } catch (e) {
    const error = SyncError.from(e);
    if (error.class !== "data") throw e;
    return { file: null, parameters, logs: [], problems: [error.toData()] };
  }
}

/**
 * Changes with everything in the file but the name and the star or cross: giving these later is a change of metadata
 * alone, which sends no file (S8).
 */
function dataKey(run: Run, rows: number, context: ReadContext): string {
  const { name: _name, metadata, ...data } = run;
  const values = [...metadata].filter(([tag]) => tag !== "inspectr_tag");
  const text = JSON.stringify(
    [data, values, rows, context.version, context.timeZone],
    (_key, v) => typeof v === "bigint" ? String(v) : v instanceof Uint8Array ? v.toBase64() : v,
  );
  return createHash("sha256").update(text).digest("hex");
}

async function writeMeasurement(
  db: ReadOnlyDatabase,
  run: Run,
  description: RunDescription,
  path: string,
  context: ReadContext,
): Promise<DraftLog[]> {
  using scratch = new Scratch(context.staging);
  const trees = topLevelParameters(description).map((name) =>
    collectTree(db, run, description, name, scratch)
  );
  const { dataset, logs } = assemble(run, description, trees, scratch, context.timeZone);
  await writeNetcdf(path, dataset);
  return logs;
}

function draftOf(
  config: QcodesConfig,
  run: Run,
  parameters: RunDescription | null,
  started: number,
): DatasetDraft {
  const [name = "", ...further] = run.name.split(/\r?\n/);
  const user = userMetadata(run.snapshot);
  const labels = [...(parameters?.params.values() ?? [])].map((p) => p.label || p.name);
  const facts = [
    `database : ${basename(config.database_path)}`,
    `run ID : ${run.runId}`,
    ...(run.guid ? [`GUID : ${run.guid}`] : []),
    `exp name : ${run.expName}`,
  ].join(" | ");
  const more = further.join("\n").trim();
  const tag = run.metadata.get("inspectr_tag");
  const exception = run.metadata.get("measurement_exception");
  return {
    name,
    ...(run.guid ? { alt_uid: run.guid } : {}),
    collected: isoFromMs(started),
    description: more === "" ? facts : `${facts}\n\n${more}`,
    keywords: [...new Set([...labels, ...user.keywords])],
    ranking: tag === "star" ? 1 : tag === "cross" ? -1 : 0,
    attributes: {
      sample: run.sampleName,
      "set-up": config.set_up,
      ...(typeof exception === "string" ? { measurement_exception: exception } : {}),
      ...flattened(config.static_attributes),
      ...user.attributes,
    },
    files: [],
  };
}
