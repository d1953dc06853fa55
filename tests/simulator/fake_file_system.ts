/** The file system as the production code sees it, on a disk in memory. A hook may fail each call, or hold it for ever. */
import { Buffer } from "node:buffer";
import type { FileSystem } from "../../src/env.ts";
import { type File, infoOf, type MemoryDisk } from "./memory_disk.ts";
import { systemError } from "./system_errors.ts";

export interface FileCall {
  name: string;
  path: string;
  /** It changes what is on the disk. */
  writes: boolean;
}

export interface FileHooks {
  /** Called before each call takes effect; what it throws is thrown by the call. */
  before?(call: FileCall): void;
  /** As {@link before}, for calls that may take time. */
  beforeLater?(call: FileCall): Promise<void>;
  /** Called while a file is read, before its bytes are taken. */
  reading?(path: string): void;
}

/** @param uuid names of temporary folders are made of it */
export function fakeFileSystem(disk: MemoryDisk, uuid: () => string, hooks: FileHooks = {}): FileSystem {
  /** One call, at once or later. */
  const call = <A extends unknown[], R>(
    name: string,
    writes: boolean,
    work: (path: string, ...rest: A) => R,
  ) => {
    const now = (path: string | URL, ...rest: A): R => {
      hooks.before?.({ name, path: String(path), writes });
      return work(String(path), ...rest);
    };
    const later = async (path: string | URL, ...rest: A): Promise<R> => {
      await hooks.beforeLater?.({ name, path: String(path), writes });
      return now(path, ...rest);
    };
    return [now, later] as const;
  };

  const [statSync, stat] = call("stat", false, (path) => disk.stat(path));
  const [lstatSync, lstat] = call("lstat", false, (path) => disk.stat(path));
  const [statExact, statExactLater] = call("stat", false, (path, _follow: boolean) => disk.statExact(path));
  const [realPathSync, realPath] = call("realpath", false, (path) => {
    disk.node(path);
    return `/${path.split("/").filter((p) => p !== "").join("/")}`;
  });
  const [mkdirSync, mkdir] = call(
    "mkdir",
    true,
    (path, options?: Deno.MkdirOptions) => disk.mkdir(path, options?.recursive),
  );
  const [removeSync, remove] = call(
    "remove",
    true,
    (path, options?: Deno.RemoveOptions) => disk.remove(path, options?.recursive),
  );
  const [renameSync, rename] = call(
    "rename",
    true,
    (path, to: string | URL) => disk.rename(path, String(to)),
  );
  const [, copyFile] = call("copy", true, (path, to: string | URL) => {
    const from = disk.file(path);
    disk.write(disk.touch(String(to), { truncate: true }), 0, from.bytes);
  });
  const [readTextFileSync, readTextFile] = call("read", false, (path) => {
    hooks.reading?.(path);
    return Buffer.from(disk.file(path).bytes).toString();
  });
  const [, writeTextFile] = call(
    "write",
    true,
    (path, text: string | ReadableStream<string>, options?: Deno.WriteFileOptions) => {
      if (typeof text !== "string") throw systemError("EINVAL", path);
      const file = disk.touch(path, { truncate: true, createNew: options?.createNew ?? false });
      disk.write(file, 0, Buffer.from(text));
    },
  );
  const [readDirSync] = call("list", false, (path) => disk.list(path).values());
  const [openSync, open] = call("open", false, (path, options: Deno.OpenOptions = { read: true }) => {
    const { write, append, create, createNew, truncate } = options;
    const file = create || createNew
      ? disk.touch(path, { createNew: createNew ?? false, truncate: truncate ?? false })
      : disk.file(path);
    if (truncate && (write || append)) disk.resize(file, 0);
    return openFile(disk, file, path, append ?? false, hooks);
  });

  return {
    stat,
    statSync,
    lstat,
    lstatSync,
    statExact,
    statExactLater,
    realPath,
    realPathSync,
    mkdir,
    mkdirSync,
    remove,
    removeSync,
    rename,
    renameSync,
    copyFile,
    readTextFile,
    readTextFileSync,
    writeTextFile,
    readDirSync,
    async *readDir(path) {
      await hooks.beforeLater?.({ name: "list", path: String(path), writes: false });
      yield* readDirSync(path);
    },
    open,
    openSync,
    async makeTempDir(options = {}) {
      const path = `${options.dir ?? "/tmp"}/${options.prefix ?? ""}${uuid()}${options.suffix ?? ""}`;
      await mkdir(path);
      return path;
    },
  };
}

/** The members of an open file that production code uses. */
function openFile(
  disk: MemoryDisk,
  file: File,
  path: string,
  append: boolean,
  hooks: FileHooks,
): Deno.FsFile {
  let at = append ? file.bytes.length : 0;
  let closed = false;
  const guard = (name: string, writes: boolean) => {
    if (closed) throw new Deno.errors.BadResource(`${path} is closed`);
    hooks.before?.({ name, path, writes });
  };
  const readSync = (buffer: Uint8Array): number | null => {
    guard("read", false);
    hooks.reading?.(path);
    const bytes = file.bytes.subarray(at, at + buffer.length);
    if (bytes.length === 0 && buffer.length > 0) return null;
    buffer.set(bytes);
    at += bytes.length;
    return bytes.length;
  };
  const writeSync = (bytes: Uint8Array): number => {
    guard("write", true);
    disk.write(file, at, bytes);
    at += bytes.length;
    return bytes.length;
  };
  const syncSync = () => {
    guard("sync", true);
    file.synced = file.bytes.length;
  };
  const later = async (name: string, writes: boolean) => await hooks.beforeLater?.({ name, path, writes });
  const close = () => void (closed = true);
  const opened = {
    readSync,
    async read(buffer: Uint8Array) {
      await later("read", false);
      return readSync(buffer);
    },
    writeSync,
    async write(bytes: Uint8Array) {
      await later("write", true);
      return writeSync(bytes);
    },
    syncSync,
    async sync() {
      await later("sync", true);
      syncSync();
    },
    syncDataSync: syncSync,
    async syncData() {
      await later("sync", true);
      syncSync();
    },
    seekSync(offset: number | bigint, whence: Deno.SeekMode) {
      guard("seek", false);
      const from = whence === Deno.SeekMode.Start
        ? 0
        : whence === Deno.SeekMode.Current
        ? at
        : file.bytes.length;
      return at = from + Number(offset);
    },
    seek: (offset: number | bigint, whence: Deno.SeekMode) =>
      Promise.resolve(opened.seekSync(offset, whence)),
    truncateSync(size = 0) {
      guard("truncate", true);
      disk.resize(file, size);
    },
    statSync() {
      guard("stat", false);
      return infoOf(file);
    },
    async stat() {
      await later("stat", false);
      return opened.statSync();
    },
    close,
    [Symbol.dispose]: close,
  };
  return opened as unknown as Deno.FsFile;
}
