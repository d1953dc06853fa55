/**
 * A disk in memory with the times of a virtual clock: what is on it, and what would be left of it after a power cut. Paths
 * are absolute, `/` separated and lead through no links.
 */
import type { ExactStat } from "../../src/kit/fingerprint.ts";
import { systemError } from "./system_errors.ts";

export interface File {
  kind: "file";
  ino: number;
  bytes: Uint8Array<ArrayBuffer>;
  mtime: number;
  ctime: number;
  /** Length up to which the bytes are on the platters. */
  synced: number;
}

export interface Folder {
  kind: "directory";
  ino: number;
  entries: Map<string, Node>;
  mtime: number;
  ctime: number;
}

export type Node = File | Folder;

const DEVICE = 64;

export class MemoryDisk {
  #inodes = 0;
  readonly root: Folder;

  /** @param now wall clock, ms, for the times of files */
  constructor(private readonly now: () => number) {
    this.root = this.#newFolder();
  }

  /** @throws NotFound, NotADirectory */
  node(path: string): Node {
    let node: Node = this.root;
    for (const part of partsOf(path)) {
      if (node.kind !== "directory") throw systemError("ENOTDIR", path);
      const next: Node | undefined = node.entries.get(part);
      if (!next) throw systemError("ENOENT", path);
      node = next;
    }
    return node;
  }

  find(path: string): Node | undefined {
    try {
      return this.node(path);
    } catch {
      return undefined;
    }
  }

  file(path: string): File {
    const node = this.node(path);
    if (node.kind !== "file") throw systemError("EISDIR", path);
    return node;
  }

  folder(path: string): Folder {
    const node = this.node(path);
    if (node.kind !== "directory") throw systemError("ENOTDIR", path);
    return node;
  }

  /** The file at `path`, made when it is not there. */
  touch(path: string, options: { createNew?: boolean; truncate?: boolean } = {}): File {
    const [folder, name] = this.#place(path);
    const there = folder.entries.get(name);
    if (there?.kind === "directory") throw systemError("EISDIR", path);
    if (there && options.createNew) throw systemError("EEXIST", path);
    if (there) {
      if (options.truncate) this.resize(there, 0);
      return there;
    }
    const now = this.now();
    const file: File = {
      kind: "file",
      ino: ++this.#inodes,
      bytes: new Uint8Array(),
      mtime: now,
      ctime: now,
      synced: 0,
    };
    this.#link(folder, name, file);
    return file;
  }

  write(file: File, at: number, bytes: Uint8Array): void {
    if (at + bytes.length > file.bytes.length) this.#grow(file, at + bytes.length);
    file.bytes.set(bytes, at);
    file.synced = Math.min(file.synced, at);
    this.#changed(file);
  }

  resize(file: File, size: number): void {
    if (size < file.bytes.length) file.bytes = file.bytes.slice(0, size);
    else this.#grow(file, size);
    file.synced = Math.min(file.synced, size);
    this.#changed(file);
  }

  /** Sets times as `utime` does. */
  setTime(file: File, mtime: number): void {
    file.mtime = mtime;
    file.ctime = this.now();
  }

  mkdir(path: string, recursive = false): void {
    const parts = partsOf(path);
    parts.forEach((_, i) => {
      const part = `/${parts.slice(0, i + 1).join("/")}`;
      const isLast = i === parts.length - 1;
      if (this.find(part)) {
        if (isLast && !recursive) throw systemError("EEXIST", path);
        this.folder(part);
      } else if (isLast || recursive) {
        const [folder, name] = this.#place(part);
        this.#link(folder, name, this.#newFolder());
      }
    });
    this.folder(path);
  }

  remove(path: string, recursive = false): void {
    const node = this.node(path);
    if (node.kind === "directory" && node.entries.size > 0 && !recursive) {
      throw systemError("ENOTEMPTY", path);
    }
    const [folder, name] = this.#place(path);
    folder.entries.delete(name);
    folder.mtime = folder.ctime = this.now();
  }

  rename(from: string, to: string): void {
    const node = this.node(from);
    const [source, oldName] = this.#place(from);
    const [target, newName] = this.#place(to);
    const there = target.entries.get(newName);
    if (there === node) return;
    if (there?.kind === "directory") {
      if (node.kind !== "directory") throw systemError("EISDIR", to);
      if (there.entries.size > 0) throw systemError("ENOTEMPTY", to);
    }
    source.entries.delete(oldName);
    source.mtime = source.ctime = node.ctime = this.now();
    this.#link(target, newName, node);
  }

  /** A copy of a file or folder under another name, as `cp -r` makes one. */
  copy(from: string, to: string): void {
    const node = this.node(from);
    if (node.kind === "file") return this.write(this.touch(to, { truncate: true }), 0, node.bytes);
    this.mkdir(to);
    for (const name of node.entries.keys()) this.copy(`${from}/${name}`, `${to}/${name}`);
  }

  list(path: string): Deno.DirEntry[] {
    return [...this.folder(path).entries].map(([name, node]) => ({
      name,
      isFile: node.kind === "file",
      isDirectory: node.kind === "directory",
      isSymlink: false,
    }));
  }

  stat(path: string): Deno.FileInfo {
    return infoOf(this.node(path));
  }

  statExact(path: string): ExactStat {
    const node = this.node(path);
    return {
      kind: node.kind,
      size: sizeOf(node),
      mtime_ns: `${Math.floor(node.mtime)}000000`,
      mtime_ms: Math.floor(node.mtime),
      ctime_ms: Math.floor(node.ctime),
      file_id: `${DEVICE}:${node.ino}`,
    };
  }

  /** Paths of all files below a folder. */
  *files(path: string): Generator<string> {
    for (const [name, node] of this.folder(path).entries) {
      if (node.kind === "file") yield `${path}/${name}`;
      else yield* this.files(`${path}/${name}`);
    }
  }

  #newFolder(): Folder {
    const now = this.now();
    return { kind: "directory", ino: ++this.#inodes, entries: new Map(), mtime: now, ctime: now };
  }

  #place(path: string): [Folder, string] {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw systemError("EINVAL", path);
    return [this.folder(`/${parts.join("/")}`), name];
  }

  #link(folder: Folder, name: string, node: Node): void {
    folder.entries.set(name, node);
    folder.mtime = folder.ctime = this.now();
  }

  #grow(file: File, size: number): void {
    const grown = new Uint8Array(size);
    grown.set(file.bytes);
    file.bytes = grown;
  }

  #changed(file: File): void {
    file.mtime = file.ctime = this.now();
  }
}

export function infoOf(node: Node): Deno.FileInfo {
  const isFile = node.kind === "file";
  return {
    isFile,
    isDirectory: !isFile,
    isSymlink: false,
    size: sizeOf(node),
    mtime: new Date(node.mtime),
    atime: new Date(node.mtime),
    birthtime: new Date(node.mtime),
    ctime: new Date(node.ctime),
    dev: DEVICE,
    ino: node.ino,
    mode: isFile ? 0o100600 : 0o40700,
    nlink: 1,
    uid: 1000,
    gid: 1000,
    rdev: 0,
    blksize: 4096,
    blocks: Math.ceil(sizeOf(node) / 512),
    isBlockDevice: false,
    isCharDevice: false,
    isFifo: false,
    isSocket: false,
  };
}

function sizeOf(node: Node): number {
  return node.kind === "file" ? node.bytes.length : 4096;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
