/** Freezes the bytes of files and finds out what they are: hashes, type, content hashes. */
import { join } from "node:path";
import type { Identity } from "../../catalog/caches.ts";
import type { FileDraft, FileType } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import { type ExactStat, fingerprintText, statExact } from "../../kit/fingerprint.ts";
import { fileError } from "../../transfer/file_errors.ts";
import type { Hashes } from "../../transfer/hash.ts";
import { COPY_LIMIT, type Snapshot, takeSnapshot } from "../../transfer/snapshot.ts";
import { type FrozenFile, UNREAD } from "./candidates.ts";
import { shareOf } from "../lookout/patient_files.ts";
import type { Services } from "../services.ts";
import { makeStagingFolder } from "./staging.ts";

/** Suffixes of the HDF5 family: only the content tells what they are (5.3). */
const HDF5_SUFFIX = /\.(h5|hdf5|nc)$/i;
/** How long a look into a file may take, ms: its content is hashed, so that large files need longer. */
const INSPECT = { start: 8000, bytesPerMs: 10_000 };

/** Files below this size are frozen in memory, unless something has to open them, bytes. */
const IN_MEMORY = 1024 * 1024;

export interface FreezerPlace {
  /** An existing, private folder. */
  staging: string;
  /** Real path below which user's files must lie, or null for databases. */
  root: string | null;
  /** The user's files are on a disk of this computer. */
  local: boolean;
  /** Told how many bytes of a large file were read to find out what it is; null when that ended. */
  onRead?: (filename: string, read: number | null, size: number) => void;
}

/** Makes frozen files for one item, in its staging folder. */
export class Freezer {
  readonly #own: string[] = [];

  private constructor(
    private readonly s: Services,
    private readonly place: FreezerPlace,
    readonly signal: AbortSignal | undefined,
    private readonly paths: { count: number },
  ) {}

  static in(s: Services, place: FreezerPlace, signal?: AbortSignal): Freezer {
    return new Freezer(s, place, signal, { count: 0 });
  }

  /** Another one in the same folder, which releases only what it made itself. */
  fork(): Freezer {
    return new Freezer(this.s, this.place, this.signal, this.paths);
  }

  /** Removes what was made in {@link freshPath}s; the files of the draft that a backend made stay. */
  async release(): Promise<void> {
    for (const path of this.#own.splice(0)) {
      await this.s.env.fs.remove(path, { recursive: true }).catch(() => {});
    }
  }

  /** A path in the staging folder that is not used yet, removed by {@link release}. */
  freshPath(suffix = ""): string {
    const path = join(this.place.staging, `f${this.paths.count++}${suffix}`);
    this.#own.push(path);
    return path;
  }

  /** Copies keep the file's name, so that readers and converters speak of it as the user knows it. */
  #copyPath(filename: string): string {
    const folder = this.freshPath();
    makeStagingFolder(this.s.env.fs, folder);
    return join(folder, filename);
  }

  /**
   * Looks at a user's file, through a link when the backend let it pass.
   * @throws SyncError `file_unreadable`, `file_vanished`, `symlink_outside_root`
   */
  async look(path: string): Promise<{ path: string; stat: ExactStat }> {
    const { fs } = this.s.env;
    const share = shareOf(this.s.env, path);
    const statOf = (at: string) => share ? share.stat(at, false, this.signal) : statExact(at, false, fs);
    try {
      const stat = await statOf(path);
      if (stat.kind !== "symlink") return { path, stat };
      const target = share
        ? await share.call(path, this.signal, () => fs.realPath(path))
        : fs.realPathSync(path);
      const { root } = this.place;
      // A link can be turned elsewhere after the backend looked at it.
      if (root !== null && !`${target}/`.startsWith(`${root}/`)) {
        throw new SyncError("data", "symlink_outside_root", `${path} leads out of the source's folder`, {
          hint: "Put the file itself below the source's folder.",
        });
      }
      return { path: target, stat: await statOf(target) };
    } catch (e) {
      throw e instanceof SyncError ? e : fileError(e, path);
    }
  }

  /** Identity of an unchanged file from the cache, also when only its name changed (F6). */
  remembered(path: string, stat: ExactStat): Identity | undefined {
    return this.s.catalog.hashes.ofFile(path, fingerprintText(stat));
  }

  /**
   * Freezes a user's file and remembers its identity.
   * @param opened something else than the upload will open it
   * @param known what it was when it was looked at, if that is remembered
   */
  async freezeUserFile(
    path: string,
    filename: string,
    type: FileDraft["type"],
    opened: boolean,
    known?: { stat: ExactStat; identity: Identity },
  ): Promise<FrozenFile> {
    const snapshot = await this.#snapshot(path, filename, opened, known);
    // A large file that is as it was need not be read again to know what it is.
    if (known && !snapshot.isCopy && snapshot.knownHashes?.sha256 === known.identity.sha256) {
      return { snapshot, identity: known.identity };
    }
    const hashes = await this.#hashesOf(snapshot, filename);
    const identity = await this.#identify(snapshot, filename, type, hashes);
    await snapshot.check();
    this.s.catalog.hashes.put(path, fingerprintText(snapshot.fingerprint), identity, this.s.env.now());
    return { snapshot, identity };
  }

  /** Of a file that is sent in parts while it is hashed, nothing but the name tells what it is. */
  mayBeReadLater(filename: string, size: number): boolean {
    const { partsFrom, copyLimit = COPY_LIMIT } = this.s.transfer;
    return size >= partsFrom && size > copyLimit && !HDF5_SUFFIX.test(filename);
  }

  /** What is known of such a file before it is read. */
  unread(filename: string, type: FileDraft["type"], size: number): Identity {
    const shown = type === "auto" ? typeOfSuffix(filename) : type;
    return { ...UNREAD, size, type: shown, content_md5: null, deep_sha256: null, logs: [] };
  }

  /** Freezes such a file without reading it. */
  async openUserFile(path: string, filename: string, type: FileDraft["type"]): Promise<FrozenFile> {
    const snapshot = await this.#snapshot(path, filename, false);
    const unread = this.unread(filename, type, snapshot.size);
    return { snapshot, identity: { ...unread, ...snapshot.knownHashes } };
  }

  #snapshot(
    path: string,
    filename: string,
    opened: boolean,
    known?: { stat: ExactStat; identity: Identity },
  ): Promise<Snapshot> {
    const inMemory = !opened && !HDF5_SUFFIX.test(filename);
    const share = shareOf(this.s.env, path);
    return takeSnapshot({
      path,
      ...(share ? { patience: (at, call) => share.call(at, this.signal, call) } : {}),
      env: this.s.env,
      copyTo: () => this.#copyPath(filename),
      memoryLimit: inMemory ? IN_MEMORY : 0,
      local: this.place.local,
      ...(this.s.transfer.copyLimit === undefined ? {} : { copyLimit: this.s.transfer.copyLimit }),
      ...(known ? { known: { fingerprint: known.stat, hashes: known.identity } } : {}),
      ...(this.signal ? { signal: this.signal } : {}),
    });
  }

  async #hashesOf(snapshot: Snapshot, filename: string): Promise<Hashes> {
    const { onRead } = this.place;
    if (!onRead || snapshot.knownHashes !== null) return await snapshot.hashes(this.signal);
    const { size } = snapshot;
    try {
      return await snapshot.hashes(this.signal, (read) => onRead(filename, read, size));
    } finally {
      onRead(filename, null, size);
    }
  }

  /** Freezes a file that a backend or converter made in the staging folder. */
  async freezeOwnFile(path: string, filename: string, type: FileDraft["type"]): Promise<FrozenFile> {
    const snapshot = await takeSnapshot({ path, env: this.s.env, copyTo: path, own: true });
    const hashes = await snapshot.hashes(this.signal);
    return { snapshot, identity: await this.#identify(snapshot, filename, type, hashes) };
  }

  async #identify(
    snapshot: Snapshot,
    filename: string,
    type: FileDraft["type"],
    { md5, sha256 }: Hashes,
  ): Promise<Identity> {
    const plain = { md5, sha256, size: snapshot.size, content_md5: null, deep_sha256: null, logs: [] };
    if (!HDF5_SUFFIX.test(filename)) {
      return { ...plain, type: type === "auto" ? typeOfSuffix(filename) : type };
    }
    try {
      const found = await this.s.readers.run(
        "inspect",
        { path: snapshot.path, filename },
        {
          deadlineMs: INSPECT.start + snapshot.size / INSPECT.bytesPerMs,
          ...(this.signal ? { signal: this.signal } : {}),
        },
      );
      const shown = type === "auto" ? found.type : type;
      const netcdf = shown === "HDF5_NETCDF";
      return {
        ...plain,
        type: shown,
        content_md5: netcdf ? found.content_md5 : null,
        deep_sha256: netcdf ? found.deep_sha256 : null,
        logs: found.logs,
      };
    } catch (e) {
      if (this.signal?.aborted) throw e;
      const error = SyncError.from(e);
      // That the disk cannot be read now says nothing about the file.
      if (error.class === "local" || error.code === "file_read_failed") throw error;
      // A file that hangs or kills its reader is uploaded as it is (F9).
      const { code, message } = error;
      return {
        ...plain,
        type: type === "auto" ? "HDF5" : type,
        logs: [{ code: "inspection_failed", message: `${code}: ${message}` }],
      };
    }
  }
}

function typeOfSuffix(filename: string): FileType {
  if (/\.json$/i.test(filename)) return "JSON";
  if (/\.txt$/i.test(filename)) return "TEXT";
  return "UNKNOWN";
}
