/** From a draft to the files its dataset should have: user's files, what the backend made, conversions, thumbnails. */
import { basename } from "node:path";
import type { Identity } from "../../catalog/caches.ts";
import type { ConversionRequest, DatasetDraft, FileDraft, ThumbnailRequest } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import type { InstalledConverter } from "../../readers/tasks.ts";
import type { Candidate, FailedCandidate, FrozenFile } from "./candidates.ts";
import { Conversions, outputNames } from "./conversions.ts";
import type { Freezer } from "./freeze.ts";
import { shareOf } from "../lookout/patient_files.ts";
import type { Services } from "../services.ts";
import type { Recorder } from "./sync_record.ts";

/** Files of a dataset that are made from one file of the draft; groups do not depend on each other. */
export interface FileGroup {
  /** What its private copies may need, as far as known, bytes. */
  size: number;
  /** Makes them ready one after the other; one that fails never hides another (L2). */
  files(freezer: Freezer, recorder: Recorder): AsyncGenerator<Candidate | FailedCandidate>;
}

/**
 * The files of a draft in its order: each with its conversions, then those of folders, then the thumbnails.
 * @param local the user's files are on a disk of this computer
 */
export async function* fileGroups(
  s: Services,
  draft: DatasetDraft,
  itemId: number,
  local: boolean,
): AsyncGenerator<FileGroup> {
  const planned = await planConversions(s, draft);
  const names = new Set<string>();
  const numbered = Map.groupBy(draft.files.filter((f) => f.version), (f) => f.version?.uuid);
  for (const versions of numbered.values()) {
    const sizes = await Promise.all(versions.map((f) => sizeOf(s, f.path, local || f.staged)));
    yield { size: Math.max(...sizes), files: (freezer) => oneByOne(versions, freezer) };
  }
  for (const file of draft.files) {
    if (file.version) continue;
    if (names.has(file.name)) {
      yield { size: 0, files: (_freezer, recorder) => refuseDuplicate(file, recorder) };
      continue;
    }
    names.add(file.name);
    const own = planned.filter((p) => p.request.input === file.path && !p.converter.folder);
    yield {
      size: await sizeOf(s, file.path, local || file.staged),
      files: (freezer) => fileAndConversions(s, file, own, freezer, itemId),
    };
  }
  for (const { request, name, converter } of planned) {
    if (!converter.folder) continue;
    yield {
      size: 0,
      async *files(freezer) {
        yield await new Conversions(s, freezer).convert(request, name, converter, undefined);
      },
    };
  }
  const { thumbnails = [] } = draft;
  if (thumbnails.length === 0) return;
  yield { size: 0, files: (freezer, recorder) => thumbnailFiles(s, thumbnails, freezer, recorder) };
}

/** Groups go side by side, so that no two of them may make versions of one name (F15). */
function refuseDuplicate(file: FileDraft, recorder: Recorder): AsyncGenerator<Candidate> {
  const what = `${file.path}: the dataset has another file named ${JSON.stringify(file.name)}`;
  const hint = "Rename one of the two files.";
  recorder.error(new SyncError("data", "duplicate_file_name", what, { hint }).toData());
  return noFiles();
}

/** The versions of one file in their order. */
async function* oneByOne(
  versions: readonly FileDraft[],
  freezer: Freezer,
): AsyncGenerator<Candidate | FailedCandidate> {
  for (const version of versions) yield await prepareUserFile(version, freezer, false);
}

async function* noFiles(): AsyncGenerator<Candidate> {}

async function* fileAndConversions(
  s: Services,
  file: FileDraft,
  planned: readonly PlannedConversion[],
  freezer: Freezer,
  itemId: number,
): AsyncGenerator<Candidate | FailedCandidate> {
  const made = file.staged
    ? await prepareOwn(s, file, freezer, itemId)
    : await prepareUserFile(file, freezer, planned.length > 0);
  yield made;
  // An input that could not be read failed already: its conversions would only say so again.
  if ("error" in made || planned.length === 0) return;
  const conversions = new Conversions(s, freezer);
  for (const { request, name, converter } of planned) {
    yield await conversions.convert(request, name, converter, made);
  }
}

async function* thumbnailFiles(
  s: Services,
  requests: readonly ThumbnailRequest[],
  freezer: Freezer,
  recorder: Recorder,
): AsyncGenerator<Candidate | FailedCandidate> {
  const conversions = new Conversions(s, freezer);
  let index = 0;
  for (const request of requests) {
    try {
      yield await conversions.thumbnail(request, index);
      index++;
    } catch (e) {
      const error = SyncError.from(e);
      // A full disk or a file that cannot be read says nothing about the image: it is tried again (F16 is about images).
      const isOutside = error.class === "local" || error.class === "busy" || error.code === "file_unreadable";
      if (isOutside && error.code !== "file_vanished") {
        const name = `__thumbnail_${index++}`;
        const origin = { path: request.path, mtime_ms: null };
        yield { name, filename: `${name}.jpg`, origin, converter: null, error: error.toData() };
      } else if (request.literal) {
        recorder.log("thumbnail_failed", `${basename(request.path)}: ${error.message}`);
      }
    }
  }
}

async function sizeOf(s: Services, path: string, local: boolean): Promise<number> {
  const { fs } = s.env;
  try {
    if (local) return fs.lstatSync(path).size;
    return (await (shareOf(s.env, path)?.stat(path, false) ?? fs.lstat(path))).size;
  } catch {
    // That it is not there is found when it is read.
    return 0;
  }
}

interface PlannedConversion {
  request: ConversionRequest;
  converter: InstalledConverter;
  name: string;
}

async function planConversions(s: Services, draft: DatasetDraft): Promise<PlannedConversion[]> {
  if (!draft.conversions?.length) return [];
  const { converters } = await s.registry();
  const found = draft.conversions.flatMap((request) => {
    const converter = converters.find((c) => c.id === request.converter);
    return converter ? [{ request, converter }] : [];
  });
  const names = outputNames(found, new Set(draft.files.map((f) => f.name)));
  return found.map((f) => ({ ...f, name: names.get(f.request) ?? f.request.name }));
}

async function prepareOwn(
  s: Services,
  file: FileDraft,
  freezer: Freezer,
  itemId: number,
): Promise<Candidate | FailedCandidate> {
  const place = `item ${itemId}: ${file.name}`;
  const freeze = async () => {
    const frozen = await freezer.freezeOwnFile(file.path, file.filename, file.type);
    if (file.data_key !== undefined) {
      s.catalog.hashes.put(place, file.data_key, frozen.identity, s.env.now());
    }
    return frozen;
  };
  try {
    // Made anew with other metadata, but from the same data: it counts as the file that was made before (S8).
    const identity = file.data_key === undefined ? undefined : s.catalog.hashes.get(place, file.data_key);
    if (identity) return { ...common(file, null), identity, freeze };
    const frozen = await freeze();
    return { ...common(file, null), identity: frozen.identity, freeze: () => Promise.resolve(frozen) };
  } catch (e) {
    return failed(file, null, e);
  }
}

async function prepareUserFile(
  file: FileDraft,
  freezer: Freezer,
  opened: boolean,
): Promise<Candidate | FailedCandidate> {
  let origin: Candidate["origin"] = { path: file.path, mtime_ms: null };
  try {
    const { path, stat } = await freezer.look(file.path);
    origin = { path: file.path, mtime_ms: stat.mtime_ms };
    // What the content looks like is remembered for all who upload this file; a replica says what its version is.
    const seenAs = (identity: Identity): Identity =>
      file.version && file.type !== "auto" ? { ...identity, type: file.type } : identity;
    const freeze = async (known?: Identity) => {
      const type = file.version ? "auto" : file.type;
      const frozen = await freezer.freezeUserFile(
        path,
        file.filename,
        type,
        opened,
        known && { stat, identity: known },
      );
      return { ...frozen, identity: seenAs(frozen.identity) };
    };
    const identity = freezer.remembered(path, stat);
    if (identity) {
      return {
        ...common(file, origin),
        identity: seenAs(identity),
        freeze: () => freeze(identity),
      };
    }
    if (!opened && !file.version && freezer.mayBeReadLater(file.filename, stat.size)) {
      let frozen: Promise<FrozenFile> | undefined;
      return {
        ...common(file, origin),
        identity: freezer.unread(file.filename, file.type, stat.size),
        freeze: () => frozen ??= freeze(),
        open: () => freezer.openUserFile(path, file.filename, file.type),
      };
    }
    const frozen = await freeze();
    return { ...common(file, origin), identity: frozen.identity, freeze: () => Promise.resolve(frozen) };
  } catch (e) {
    return failed(file, origin, e);
  }
}

function common(file: FileDraft, origin: Candidate["origin"]): Omit<Candidate, "identity" | "freeze"> {
  return {
    name: file.name,
    filename: file.filename,
    created: file.created,
    ranking: file.ranking ?? 0,
    file_generator: file.file_generator ?? null,
    origin,
    converter: null,
    ...(file.version ? { version: file.version } : {}),
  };
}

function failed(file: FileDraft, origin: Candidate["origin"], e: unknown): FailedCandidate {
  const { name, filename } = file;
  return { name, filename, origin, converter: null, error: SyncError.from(e).toData() };
}
