/** The Zarr store beside a beamtime database: groups, and documents that are replaced as a whole. */
import fs from "node:fs";
import process from "node:process";
import { dirname, join } from "node:path";
import { BackgroundSync } from "./background_sync.ts";

const GROUP_V2 = '{\n  "zarr_format": 2\n}';
const GROUP_V3 = '{\n  "attributes": {},\n  "zarr_format": 3,\n  "node_type": "group"\n}';

/**
 * A store of format 2, which every Zarr library reads and which keeps a stack in one folder; one that another writer
 * began in format 3 is continued in format 3, since a group of one format does not see members of the other.
 */
export class ZarrStoreWriter {
  readonly format: 2 | 3;
  /** Chunks on their way to the disk. */
  readonly chunks = new BackgroundSync();

  /** Opens or creates the store. */
  constructor(readonly folder: string) {
    this.format = fs.existsSync(join(folder, "zarr.json")) ? 3 : 2;
    this.#group(folder);
  }

  /** Makes the groups down to a path such as `runs/<uid>`. @returns their folder */
  groups(path: string): string {
    let folder = this.folder;
    for (const name of path.split("/")) {
      folder = join(folder, name);
      this.#group(folder);
    }
    return folder;
  }

  #group(folder: string): void {
    fs.mkdirSync(folder, { recursive: true });
    const [file, text] = this.format === 3
      ? ["zarr.json", GROUP_V3] as const
      : [".zgroup", GROUP_V2] as const;
    const path = join(folder, file);
    if (fs.existsSync(path)) return;
    replaceFile(path, text);
    syncFolder(dirname(folder));
  }
}

/**
 * Replaces a file, so that a reader, or the next start after a crash of the program, sees all of it or what was there
 * before.
 * @param durably whether it is to be on the disk when this returns
 */
export function replaceFile(path: string, text: string, durably = true): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const handle = fs.openSync(temporary, "w");
  try {
    fs.writeSync(handle, text);
    if (durably) fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(temporary, path);
}

/** Puts the names in a folder on the disk; Windows does that by itself. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}
