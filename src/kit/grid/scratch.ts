/** Temporary files of one conversion. */
import { join } from "node:path";
import { SyncError } from "../errors.ts";

/** Reads and writes at positions. */
export interface ScratchFile {
  /** Bytes written so far. */
  readonly size: number;
  /** Appends; returns the position where the bytes start. */
  append(bytes: Uint8Array): number;
  /** Fills `bytes` from a position. */
  read(position: number, bytes: Uint8Array): void;
}

/** Opens scratch files in a folder on demand; all are closed and removed on dispose. */
export class Scratch implements Disposable {
  readonly #open: { file: Deno.FsFile; path: string }[] = [];

  /** @param folder existing, private folder */
  constructor(readonly folder: string) {}

  create(): ScratchFile {
    const path = join(this.folder, `scratch-${crypto.randomUUID()}`);
    const file = local(() => Deno.openSync(path, { read: true, write: true, createNew: true }));
    this.#open.push({ file, path });
    let size = 0;
    return {
      get size() {
        return size;
      },
      append(bytes) {
        const position = size;
        local(() => {
          file.seekSync(position, Deno.SeekMode.Start);
          for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
        });
        size += bytes.length;
        return position;
      },
      read(position, bytes) {
        local(() => {
          file.seekSync(position, Deno.SeekMode.Start);
          for (let done = 0; done < bytes.length;) {
            const n = file.readSync(bytes.subarray(done));
            if (n === null) throw new Error(`${path} ends at ${position + done}`);
            done += n;
          }
        });
      },
    };
  }

  [Symbol.dispose](): void {
    for (const { file, path } of this.#open.splice(0)) {
      file.close();
      Deno.removeSync(path);
    }
  }
}

function local<T>(action: () => T): T {
  try {
    return action();
  } catch (e) {
    throw new SyncError("local", "scratch_file", `temporary file: ${e instanceof Error ? e.message : e}`, {
      hint: "Free some disk space where temporary files are kept.",
      cause: e,
    });
  }
}
