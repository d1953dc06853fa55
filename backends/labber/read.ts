/** Reads one log file into a draft. */
import { join } from "node:path";
import type { ReadContext, ReadItem } from "../../src/kit/define_backend.ts";
import type { DatasetDraft, DraftLog, FileDraft, FileType } from "../../src/kit/drafts.ts";
import { writing } from "../../src/kit/file_failures.ts";
import { hashWithout } from "../../src/kit/hdf5/content_hash.ts";
import { Hdf5Group } from "../../src/kit/hdf5/objects.ts";
import { type Hdf5File, openHdf5 } from "../../src/kit/hdf5/open.ts";
import { copyPrivately } from "../../src/kit/private_copy.ts";
import { isoFromMs } from "../../src/kit/time.ts";
import { DATABASE_FILE, hasDatabase, type LabberConfig } from "./config.ts";
import { convertLog } from "./convert.ts";
import { Damage } from "./damage.ts";
import { describe, describeByPath, type Description } from "./describe.ts";
import { attributesAsJson, type Json, jsonText } from "./json_values.ts";
import { type Log, logPaths, readLayout, readTable } from "./log_layout.ts";

const GENERATOR = "Labber";
/** Where Labber's Log Browser keeps tags, star and comment. */
const REMARKS = { groups: ["/Tags"], attributes: ["comment", "star"] };

/**
 * Reads a log file: its bytes as they were at one moment, each log in them as netCDF, and how it was set up as JSON.
 * What is damaged becomes a problem of the draft.
 * @throws SyncError busy while the file is written or half written; local, source
 */
export async function readLogFile(
  config: LabberConfig,
  item: ReadItem,
  context: ReadContext,
): Promise<DatasetDraft> {
  const original = new StagedFile("original.hdf5", "HDF5", context.staging);
  const { stat } = await copyPrivately(item.path, original.path);
  const damage = new Damage(item.path, original.path, context.now - stat.mtime_ms);
  const content = await damage.attempt(() => readContent(original.path, item, context.staging, damage));
  // What was said about the measurement later lies in the same file; it is no new version of the data (S8).
  original.dataKey = content?.dataKey;
  const { creationTime, ...description } = content?.description ?? describeByPath(item);
  return {
    ...description,
    attributes: { "set-up": config.set_up, ...description.attributes },
    collected: creationTime === undefined ? isoFromMs(stat.mtime_ms) : isoFromSeconds(creationTime),
    files: [original, ...(content?.files ?? [])].map((file) => file.draft(stat.mtime_ms)),
    logs: [
      ...(hasDatabase(config.labber_directory) ? [] : [databaseMissing(config)]),
      ...(content?.logs ?? []).flatMap(channelsWithoutValues),
    ],
    problems: damage.problems,
    state: content?.logs.every((log) => log.completed) === false ? "incomplete" : "complete",
  };
}

/** A file in the staging folder; its logical name is its name without suffix. */
class StagedFile {
  readonly path: string;
  /** See FileDraft. */
  dataKey: string | undefined;

  constructor(readonly filename: string, readonly type: FileType, folder: string) {
    this.path = join(folder, filename);
  }

  /** @param created time of the log file, ms since 1970 UTC */
  draft(created: number): FileDraft {
    const { filename, path, type } = this;
    const name = filename.replace(/\.\w+$/, "");
    const draft = { name, filename, path, staged: true, type, created, file_generator: GENERATOR };
    return this.dataKey === undefined ? draft : { ...draft, data_key: this.dataKey };
  }
}

interface Content {
  dataKey: string | undefined;
  description: Description;
  files: StagedFile[];
  logs: Log[];
}

async function readContent(path: string, item: ReadItem, staging: string, damage: Damage): Promise<Content> {
  using file = await openHdf5(path);
  const files: StagedFile[] = [];
  const logs: Log[] = [];
  const paths = logPaths(file);
  for (const [i, group] of paths.entries()) {
    await damage.attempt(async () => {
      const log = readLayout(file, group);
      logs.push(log);
      const filename = paths.length === 1 ? "ds_converted.hdf5" : `ds_converted_${i + 1}.hdf5`;
      const converted = new StagedFile(filename, "HDF5_NETCDF", staging);
      await convertLog(file, log, converted.path, staging);
      files.push(converted);
    });
  }
  const setUp = {
    settings: () => settingsOf(file),
    instruments: (): Json => readTable(file, "/Instruments") ?? [],
  };
  for (const [name, read] of Object.entries(setUp)) {
    await damage.attempt(() => {
      const json = new StagedFile(`${name}.json`, "JSON", staging);
      const text = jsonText(read(), 2);
      writing(json.path, () => Deno.writeTextFileSync(json.path, text));
      files.push(json);
    });
  }
  return {
    description: await damage.attempt(() => describe(file, logs, item)) ?? describeByPath(item),
    dataKey: damage.problems.length === 0 ? dataKeyOf(file) : undefined,
    files,
    logs,
  };
}

/** undefined when a part that no log uses cannot be read. */
function dataKeyOf(file: Hdf5File): string | undefined {
  try {
    return hashWithout(file, REMARKS);
  } catch {
    return undefined;
  }
}

function settingsOf(file: Hdf5File): Json {
  const settings = file.find("/Settings");
  return settings instanceof Hdf5Group ? attributesAsJson(settings) : {};
}

/** To the nearest microsecond: a double of today's seconds is exact to a quarter of one. */
function isoFromSeconds(seconds: number): string {
  return isoFromMs(seconds * 1000 + 0.0005);
}

function databaseMissing({ labber_directory }: LabberConfig): DraftLog {
  return {
    code: "labber_database_missing",
    message: `${join(labber_directory, DATABASE_FILE)} does not exist: is this really Labber's data folder?`,
  };
}

function channelsWithoutValues({ path, withoutValues }: Log): DraftLog[] {
  return withoutValues.map((name) => ({
    code: "labber_channel_without_values",
    message: `log ${path}: the channel ${
      JSON.stringify(name)
    } was to be measured, but the file holds no values of it`,
  }));
}
