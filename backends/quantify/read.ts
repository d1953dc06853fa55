/** Reads one container into a draft. */
import { basename, join } from "node:path";
import type { ReadContext, ReadItem } from "../../src/kit/define_backend.ts";
import type { DatasetDraft, DraftLog, FileDraft } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { type WalkedEntry, walkFolder } from "../../src/kit/folder_walk.ts";
import { uniqueByName } from "../../src/kit/logical_name.ts";
import { isoFromMs } from "../../src/kit/time.ts";
import type { QuantifyConfig } from "./config.ts";
import { type ContainerName, dottedName, parseContainerName, startOf } from "./container_name.ts";
import { convertFile, type FileFacts } from "./convert.ts";
import { NotNetcdf } from "./netcdf4_source.ts";
import { copyPrivately } from "../../src/kit/private_copy.ts";

const GENERATOR = "Quantify";
/** The file that Quantify writes first; its name is the measurement's. */
const MAIN_FILE = "dataset.hdf5";
/** HDF5 files directly in the container, and those of its analyses. */
const CONVERTED = /^(?:analysis_[^/]*\/(?:[^]*\/)?)?[^/]+\.(?:hdf5|h5)$/i;
/** A file written to more recently than this may be half written. */
const FRESH_MS = 120_000;
const INFO_FILE = "_QH_dataset_info.yaml";

/**
 * Reads a container: its HDF5 files as netCDF in the staging folder, everything else as it is.
 * @throws SyncError busy while a file changes or is half written; data `not_a_container`; local, source
 */
export async function readContainer(
  config: QuantifyConfig,
  item: ReadItem,
  context: ReadContext,
): Promise<DatasetDraft> {
  const container = parseContainerName(basename(item.path));
  if (!container) {
    throw new SyncError("data", "not_a_container", `${item.path}: the name does not begin with a TUID`, {
      hint: "Quantify names its folders YYYYMMDD-HHMMSS-fff-xxxxxx; rename it, or move it elsewhere.",
    });
  }
  const walk = walkFolder(item.path, { root: config.quantify_directory, infoFile: INFO_FILE, nested: false });
  const reader = new FileReader(config, context);
  for (const file of walk.files) await reader.read(file);
  const { kept, problems } = uniqueByName(
    reader.files,
    "Rename one of the two files: parts of a path are joined by dots, and TUIDs before them left out.",
  );
  const start = collectedTime(container, walk.files, item.path, context.timeZone);
  return {
    name: container.name || reader.storedName || container.tuid,
    alt_uid: container.tuid,
    collected: start.iso,
    keywords: [...reader.keywords],
    ranking: 0,
    attributes: { "set-up": config.set_up },
    files: kept,
    skips: walk.skips,
    logs: [...start.logs, ...reader.logs],
    problems: [...walk.problems, ...reader.problems, ...problems],
    state: "complete",
  };
}

/** Collects what the files of a container contribute. */
class FileReader {
  readonly files: FileDraft[] = [];
  readonly logs: DraftLog[] = [];
  readonly problems: ErrorData[] = [];
  readonly keywords = new Set<string>();
  /** Name of the measurement inside its files. */
  storedName = "";
  #converted = 0;

  constructor(readonly config: QuantifyConfig, readonly context: ReadContext) {}

  async read(file: WalkedEntry): Promise<void> {
    if (CONVERTED.test(file.name)) await this.#convert(file);
    else this.files.push(asItIs(file));
  }

  async #convert(file: WalkedEntry): Promise<void> {
    const { staging } = this.context;
    const number = this.#converted++;
    const output = join(staging, `converted-${number}.hdf5`);
    const copy = await copyPrivately(file.path, join(staging, `original-${number}.hdf5`));
    let facts: FileFacts;
    try {
      facts = await convertFile(copy.path, output, staging, (entry) => this.logs.push(entry));
    } catch (e) {
      this.#uploadOriginal(file, copy.stat.mtime_ms, e);
      return;
    }
    const draft = { ...asItIs(file), created: copy.stat.mtime_ms, staged: true };
    this.files.push({ ...draft, path: output, type: "HDF5_NETCDF", file_generator: GENERATOR });
    if (this.config.upload_raw) this.files.push({ ...draft, path: copy.path, name: `raw.${draft.name}` });
    else Deno.removeSync(copy.path);
    if (!file.name.includes("/")) this.#learn(file.name, facts);
  }

  #learn(name: string, facts: FileFacts): void {
    for (const label of facts.labels) this.keywords.add(label);
    if (name === MAIN_FILE || this.storedName === "") this.storedName = facts.name || this.storedName;
  }

  /** What cannot be converted is uploaded byte for byte; a file that its writer may still complete is waited for (B3). */
  #uploadOriginal(file: WalkedEntry, mtime: number, reason: unknown): void {
    if (reason instanceof NotNetcdf) {
      this.logs.push({ code: "not_netcdf", message: `${file.name} is uploaded as it is: ${reason.message}` });
    } else {
      const error = asSyncError(reason);
      if (error.class !== "data" && error.class !== "busy") throw reason;
      const message = error.message.replaceAll(/\S*original-\d+\.hdf5/g, file.path);
      if (Math.abs(this.context.now - mtime) < FRESH_MS) {
        throw new SyncError("busy", "hdf5_half_written", message, {
          hint: "The measurement still writes the file; it is read again when it has come to rest.",
          cause: error,
        });
      }
      this.problems.push(
        new SyncError("data", "unreadable_hdf5", message, {
          hint: "The file is uploaded as it is; check it with h5dump and write it again if you still can.",
          cause: error,
        }).toData(),
      );
    }
    this.files.push(asItIs(file));
  }
}

function asItIs({ name, path, mtime }: WalkedEntry): FileDraft {
  return {
    name: dottedName(name),
    filename: basename(path),
    path,
    staged: false,
    type: "auto",
    created: mtime,
  };
}

/** Sizes beyond what an array can have come out of damaged headers. */
function asSyncError(reason: unknown): SyncError {
  if (!(reason instanceof RangeError)) return SyncError.from(reason);
  return new SyncError("data", "size_impossible", `the file claims impossible sizes: ${reason.message}`, {
    cause: reason,
  });
}

/** The TUID's time; where that is no date, the earliest time of the files, else of the folder. */
function collectedTime(
  { tuid }: ContainerName,
  files: readonly WalkedEntry[],
  folder: string,
  timeZone: string,
): { iso: string; logs: DraftLog[] } {
  const start = startOf(tuid, timeZone);
  if (!start) {
    const earliest = files.reduce((ms, f) => Math.min(ms, f.mtime), Infinity);
    const ms = files.length > 0 ? earliest : Deno.statSync(folder).mtime?.getTime() ?? 0;
    const message = `${tuid} names a day that does not exist; the earliest time of the files is taken`;
    return { iso: isoFromMs(ms), logs: [{ code: "time_unusable", message }] };
  }
  if (start.note === "ambiguous") {
    const message = `the time of ${tuid} occurred twice in ${timeZone}; the first is taken`;
    return { iso: start.iso, logs: [{ code: "time_ambiguous", message }] };
  }
  if (start.note === "gap") {
    const message = `the time of ${tuid} did not occur in ${timeZone}; it is moved forward`;
    return { iso: start.iso, logs: [{ code: "time_gap", message }] };
  }
  return { iso: start.iso, logs: [] };
}
