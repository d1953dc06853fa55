/** Reads one run into a draft. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReadContext, ReadItem } from "../../src/kit/define_backend.ts";
import type { DraftLog, FileDraft, ReadResult } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { writing } from "../../src/kit/file_failures.ts";
import { DistinctNames } from "../../src/kit/hdf5/netcdf_names.ts";
import { databaseState } from "../../src/kit/sqlite/database_state.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { activityOf, QUIET_MS, stacksOf } from "./activity.ts";
import {
  corrupt,
  demandBeamtime,
  mapOf,
  readImageRefs,
  readRun,
  readStreams,
  type Stream,
} from "./beamtime_database.ts";
import type { ResonanceConfig } from "./config.ts";
import { describe, type RunContent } from "./describe.ts";
import { plainJson } from "./event_column.ts";
import { imageFields, writeImages } from "./image_file.ts";
import { placeOf } from "./places.ts";
import { readColumns, type StreamColumns } from "./stream_columns.ts";
import { hasFile, writeStream } from "./stream_file.ts";

/**
 * Reads a run: its events per stream and its images per field as netCDF, and what is known of it as JSON. Damaged parts
 * become problems of the draft.
 * @throws SyncError of class data when the run itself cannot be read, else busy, source or local
 */
export async function readRunItem(
  config: ResonanceConfig,
  item: ReadItem,
  context: ReadContext,
): Promise<ReadResult> {
  const { path, runUid } = placeOf(config, item.identifier);
  demandDatabase(path, config);
  const content = await readContent(path, runUid, context);
  if ("not_started" in content) return content;
  const { run, streams } = content;
  const { files, logs, problems: ofImages, imageNames } = context.metadataOnly
    ? noFiles(path, content)
    : await writeFiles(path, content, context);
  const problems = [...ofImages, ...streams.flatMap((s) => damageOf(path, s))];
  return {
    draft: {
      ...describe(path, config, content, imageNames),
      files,
      ...(logs.length > 0 ? { logs } : {}),
      ...(problems.length > 0 ? { problems } : {}),
      state: run.exit_status === null ? "incomplete" : "complete",
    },
  };
}

/** One database that was taken out of a folder is no failure of the whole source. */
function demandDatabase(path: string, { data_directory: folder }: ResonanceConfig): void {
  if (folder === undefined || existsSync(path) || !existsSync(folder)) return;
  throw new SyncError("data", "resonance_database_missing", `${path} does not exist any more`, {
    hint: "Put the database back; its runs are synchronized when it is there.",
  });
}

function readContent(
  path: string,
  runUid: string,
  context: ReadContext,
): Promise<RunContent | { not_started: string }> {
  const { modified } = databaseState(path);
  return withReadOnly(path, (db) => {
    demandBeamtime(db);
    const run = readRun(db, runUid);
    const ended = run.exit_status !== null || run.time_stop !== null;
    const isWanted = ended || context.metadataOnly;
    if (!isWanted && context.newest && context.now - activityOf(db, runUid, modified).last <= QUIET_MS) {
      return {
        not_started: `run ${runUid} is being measured: it is read when it ends, when another run begins, ` +
          "or when nothing came for 10 minutes",
      };
    }
    const refs = readImageRefs(db, runUid);
    const images = new Set(refs.map((ref) => ref.field));
    return { run, refs, streams: readStreams(db, runUid).map((stream) => readColumns(db, stream, images)) };
  }, { temp: context.staging });
}

interface WrittenFiles {
  files: FileDraft[];
  logs: DraftLog[];
  problems: ErrorData[];
  imageNames: Set<string>;
}

function noFiles(path: string, { run, refs }: RunContent): WrittenFiles {
  const imageNames = new Set(imageFields(run, refs, stacksOf(path, run.uid)).map(({ field }) => field));
  return { files: [], logs: [], problems: [], imageNames };
}

async function writeFiles(path: string, content: RunContent, context: ReadContext): Promise<WrittenFiles> {
  const { run, streams } = content;
  const result: WrittenFiles = { files: [], logs: [], problems: [], imageNames: new Set() };
  const names = new DistinctNames();
  const shared = {
    staged: true,
    created: Math.floor(1000 * run.time_start),
    file_generator: "Resonance",
  } as const;
  // Names of streams and fields may be anything, so files in the staging folder are numbered.
  const staged = () => join(context.staging, `file_${result.files.length}`);

  const json = staged();
  writing(json, () => writeFileSync(json, runDocument(content)));
  result.files.push({ ...shared, name: names.take("run"), filename: "run.json", type: "JSON", path: json });
  for (const columns of streams) {
    if (!hasFile(columns)) continue;
    const file = staged();
    await writeStream(file, run, columns);
    result.files.push({ ...shared, ...hdf5Names("", columns.stream.name, names), path: file });
  }
  for (const images of imageFields(run, content.refs, stacksOf(path, run.uid))) {
    result.imageNames.add(images.field);
    const file = staged();
    const report = await writeImages(file, path, run, images, describedKey(streams, images.field));
    result.logs.push(...report.logs);
    result.problems.push(...report.problems);
    if (!report.written) continue;
    result.files.push({ ...shared, ...hdf5Names("images/", images.field, names), path: file });
  }
  return result;
}

/** `<folder><name>` and `<name>.hdf5`, with what no file name can hold as `_` and the second of a name as `_2`. */
function hdf5Names(folder: string, name: string, names: DistinctNames) {
  // deno-lint-ignore no-control-regex -- control characters are among what is replaced
  const clean = name.normalize("NFC").toWellFormed().replace(/[/\\<>:"|?*\x00-\x1f\x7f]/g, "_").trim();
  const logical = names.take(folder + (/^\.*$/.test(clean) ? "_" : clean));
  return { name: logical, filename: `${logical.slice(folder.length)}.hdf5`, type: "HDF5_NETCDF" } as const;
}

/** What the first stream that knows a field says of it. */
function describedKey(streams: readonly StreamColumns[], field: string): unknown {
  return streams.map(({ stream }) => mapOf(stream.data_keys)[field]).find((key) => key !== undefined);
}

/** Run, sample and streams as JSON. */
function runDocument({ run, streams }: RunContent): string {
  const { sample, ...row } = run;
  const described = streams.map(
    ({ stream, events }): [string, Omit<Stream, "name"> & { num_events: number }] => {
      const { name, ...rest } = stream;
      return [name, { ...rest, num_events: events }];
    },
  );
  return `${plainJson({ run: row, sample, streams: Object.fromEntries(described) }, 2)}\n`;
}

function damageOf(path: string, { stream, damaged }: StreamColumns): ErrorData[] {
  if (damaged === 0) return [];
  return [corrupt(`${path}: stream "${stream.name}"`, `${damaged} events hold no valid JSON`).toData()];
}
