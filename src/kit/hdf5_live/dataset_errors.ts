/** Failures of a dataset of a growing file. */
import { SyncError } from "../errors.ts";

/** What it is read of: for messages. */
export interface DatasetName {
  file: string;
  dataset: string;
}

const named = ({ file, dataset }: DatasetName) => `${file}: dataset ${dataset}`;

export function tornDataset(name: DatasetName, what: string): SyncError {
  return new SyncError("busy", "hdf5_torn", `${named(name)} ${what}`, {
    hint: "It is read again in a moment; nothing needs to be done.",
  });
}

export function tooLarge(name: DatasetName, what: string, hint: string): SyncError {
  return new SyncError("data", "hdf5_too_large", `${named(name)}: ${what}`, { hint });
}

export function unsupported(name: DatasetName, code: string, what: string): SyncError {
  return new SyncError("data", code, `${named(name)} ${what}, which can not be read while it grows`, {
    hint: "Nothing needs to be done: its file is uploaded all the same.",
  });
}
