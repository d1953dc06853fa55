/** Opens HDF5 files that are being written. */
import { LiveDataset } from "./dataset.ts";
import { FileSource } from "./file_source.ts";
import { ObjectTree } from "./object_tree.ts";
import type { LiveAttribute, LiveHdf5Dataset, LiveHdf5File, LiveMember } from "./types.ts";

/**
 * Opens a file for reading while somebody writes it; takes no lock.
 * @throws SyncError `hdf5_torn` (busy), `hdf5_not_hdf5`, `hdf5_corrupt` (data), `file_unreadable` (source)
 */
export function openHdf5Live(path: string): LiveHdf5File {
  const file = new LiveFile(path);
  try {
    file.consistent(() => {});
    return file;
  } catch (e) {
    file[Symbol.dispose]();
    throw e;
  }
}

class LiveFile implements LiveHdf5File {
  readonly #source: FileSource;
  readonly #tree: ObjectTree;

  constructor(readonly path: string) {
    this.#source = new FileSource(path);
    this.#tree = new ObjectTree(this.#source);
  }

  get superblock(): number {
    return this.#source.superblock.version;
  }

  get openForWriting(): boolean {
    return this.#source.superblock.openForWriting;
  }

  get swmr(): boolean {
    return this.#source.superblock.swmr;
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
  }

  get replacements(): number {
    return this.#source.replacements;
  }

  changed(): boolean {
    return this.#source.changed();
  }

  consistent<T>(body: () => T): T {
    return this.#source.consistent(body);
  }

  members(group = "/"): LiveMember[] {
    return this.consistent(() => this.#tree.members(group));
  }

  has(path: string): boolean {
    return this.consistent(() => this.#tree.lookup(path) !== undefined);
  }

  dataset(path: string): LiveHdf5Dataset {
    return this.consistent(() => new LiveDataset(this.#source, this.#tree, path));
  }

  attribute(path: string, name: string): LiveAttribute | undefined {
    return this.consistent(() => this.#tree.attributes(this.#tree.find(path), name))[0];
  }

  attributes(path: string): LiveAttribute[] {
    return this.consistent(() => this.#tree.attributes(this.#tree.find(path)));
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}
