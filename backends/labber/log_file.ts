/** What is needed of an open HDF5 file to find out what a log in it holds, whichever reader opened it. */
import type { Hdf5Attribute } from "../../src/kit/hdf5/attributes.ts";
import type { Hdf5Values } from "../../src/kit/hdf5/decode.ts";
import type { Hdf5Aside } from "../../src/kit/hdf5/open.ts";
import type { Hdf5Type } from "../../src/kit/hdf5/types.ts";

interface WithAttributes {
  readonly path: string;
  readonly name: string;
  attributeNames(): string[];
  attribute(name: string): Hdf5Attribute;
  /** Flat in C order; null without value. */
  attributeValues(name: string): Hdf5Values | null;
}

export interface LogGroup extends WithAttributes {
  readonly kind: "group";
}

export interface LogDataset extends WithAttributes {
  readonly kind: "dataset";
  readonly type: Hdf5Type;
  /** All values, flat in C order. */
  read(): Hdf5Values;
}

export interface LogFile {
  readonly path: string;
  readonly root: LogGroup;
  /** The group or dataset at an absolute path; undefined when there is none. */
  find(path: string): LogGroup | LogDataset | Hdf5Aside | undefined;
  members(group: LogGroup): (LogGroup | LogDataset | Hdf5Aside)[];
}
