/**
 * What a reader of growing HDF5 files offers. Written from the public HDF5 File Format Specification, version 3.
 *
 * The library can not be used for this: it takes milliseconds per open, refuses files that a writer has open, can not
 * refresh SWMR files, and reads everything again. This reader takes no locks, reads only what is asked for, at exact
 * offsets, and says "torn" (SyncError class busy, `hdf5_torn`) where it meets a state in the middle of a write.
 *
 * All calls are synchronous and throw SyncError: `hdf5_torn` (busy: try again), `hdf5_corrupt`,
 * `hdf5_not_hdf5`, `hdf5_no_object`, `hdf5_unsupported_type`, `hdf5_unknown_filter` (data), `file_unreadable` (source).
 */
import type { Hdf5Values } from "../hdf5/decode.ts";
import type { Hdf5Type } from "../hdf5/types.ts";
import type { Dtype } from "../labelled.ts";

export interface LiveHdf5File extends Disposable {
  readonly path: string;
  /** Superblock version, 0–3. */
  readonly superblock: number;
  /** A writer has the file open, or died (superblock 3 only: older ones do not say). */
  readonly openForWriting: boolean;
  /** The writer is in SWMR mode: what is there may be read at any time. */
  readonly swmr: boolean;
  /** Bytes read from the file since it was opened by us. */
  readonly bytesRead: number;
  /** How many times another file was found under the path, or one that was written from its begin. */
  readonly replacements: number;
  /**
   * Whether anything may be other than at the last call, by (file id, size, mtime): one lstat, no reading. True at the
   * first call. A file that was replaced is opened anew.
   */
  changed(): boolean;
  /**
   * Runs `body`, all of whose readings are then of one state of the file, or throws `hdf5_torn`. Every call of this
   * interface is consistent in itself; put several into one where they have to agree. What was read inside is not
   * read twice.
   */
  consistent<T>(body: () => T): T;
  /** Members of a group ("/" without argument), sorted by name; committed types and broken links are told as such. */
  members(group?: string): LiveMember[];
  /** Whether a group or dataset of that path exists. */
  has(path: string): boolean;
  dataset(path: string): LiveHdf5Dataset;
  /** An attribute of a group or dataset; undefined when there is none of that name. */
  attribute(path: string, name: string): LiveAttribute | undefined;
  attributes(path: string): LiveAttribute[];
}

export interface LiveMember {
  name: string;
  path: string;
  /** `other`: a committed type, or a link that leads nowhere or out of the file. */
  kind: "group" | "dataset" | "other";
  /** Tells objects apart: links may lead in circles. −1 where a link leads nowhere. */
  id: number;
}

export interface LiveAttribute {
  name: string;
  type: Hdf5Type;
  /** [] for a scalar, null for an empty one. */
  shape: number[] | null;
  /** Flat; null when the type can not be read here. */
  values: Hdf5Values | null;
}

export interface LiveHdf5Dataset {
  readonly path: string;
  /** Extent at the last `refresh` (or at `dataset()`); [] for a scalar. */
  readonly shape: number[];
  /** Largest extent; Infinity for an unlimited axis. */
  readonly maxShape: number[];
  readonly type: Hdf5Type;
  /** In terms of labelled arrays; undefined for compounds and the like, and for what can not be read. */
  readonly dtype: Dtype | undefined;
  readonly layout: "compact" | "contiguous" | "chunked" | "other";
  readonly chunkShape: number[] | null;
  /** Ids of the filters, in the order in which they were applied. */
  readonly filters: number[];
  /** Bytes of one element that stand for "never written"; null: undefined (zeros are read). */
  readonly fillBytes: Uint8Array | null;
  /** One value that stands for "never written"; zero (or no text) where none is set. */
  fillValue(): Hdf5Values;
  /** Reads extent, attributes and layout again: some hundred bytes. */
  refresh(): void;
  /**
   * A block of values, flat in C order; cells whose storage does not exist are the fill value, or with
   * `missing: "torn"` a state that is read again later.
   */
  read(offset: number[], count: number[], options?: { missing?: "fill" | "torn" }): Hdf5Values;
  /** Where contiguous values lie, from the begin of the file; null when chunked, compact or not yet allocated. */
  storage(): { address: number; size: number } | null;
  /** Chunks that exist, in the order of their place; with `from`, only those that reach beyond that index of axis 0. */
  chunks(from?: number): Iterable<LiveChunk>;
  /** The chunk that holds a cell; undefined when it does not exist. */
  chunkAt(cell: number[]): LiveChunk | undefined;
  /** Stored bytes of a chunk (compressed ones as they are): to see whether it changed. */
  chunkBytes(chunk: LiveChunk): Uint8Array;
  /** Values of a whole chunk, also beyond the extent. */
  readChunk(chunk: LiveChunk): Hdf5Values;
  attribute(name: string): LiveAttribute | undefined;
  attributes(): LiveAttribute[];
}

export interface LiveChunk {
  /** Index of its first cell, per axis. */
  offset: number[];
  /** From the begin of the file. */
  address: number;
  /** Stored bytes. */
  size: number;
  /** Bit n: the n-th filter was left out. */
  filterMask: number;
}
