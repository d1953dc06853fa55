/** A file of somebody else's, open for reading at any place, its bytes counted. */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { SyncError } from "../../errors.ts";

/** Counts what is read from files. */
export interface ReadMeter {
  bytesRead: number;
}

/** What tells one state of a file from another as far as the file system knows. */
export interface FileStamp {
  /** Device and inode. */
  id: string;
  /** Bytes. */
  size: number;
  /** ns since 1970 UTC. */
  mtime: bigint;
}

/** The stamp of what a path names now; null when there is nothing. */
export function fileStamp(path: string): FileStamp | null {
  return reading(path, () => {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat ? stampOf(stat) : null;
  });
}

export function sameStamp(a: FileStamp | null, b: FileStamp | null): boolean {
  return a?.id === b?.id && a?.size === b?.size && a?.mtime === b?.mtime;
}

export class ReadOnlyFile implements Disposable {
  private constructor(readonly path: string, readonly descriptor: number, readonly meter: ReadMeter) {}

  /** @returns null when there is no such file */
  static open(path: string, meter: ReadMeter): ReadOnlyFile | null {
    try {
      return new ReadOnlyFile(path, openSync(path, "r"), meter);
    } catch (e) {
      if (isMissing(e)) return null;
      throw unreadable(path, e);
    }
  }

  /** As {@link open}, for a file that is rarely there: the error costs more than all the rest. */
  static openIfThere(path: string, meter: ReadMeter): ReadOnlyFile | null {
    return existsSync(path) ? ReadOnlyFile.open(path, meter) : null;
  }

  stamp(): FileStamp {
    return reading(this.path, () => stampOf(fstatSync(this.descriptor, { bigint: true })));
  }

  /**
   * Fills `bytes` from `position` on.
   * @returns how many bytes there were: fewer than asked for at the end of the file
   */
  readAt(bytes: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < bytes.length) {
      const n = reading(
        this.path,
        () => readSync(this.descriptor, bytes, filled, bytes.length - filled, position + filled),
      );
      if (n === 0) break;
      filled += n;
    }
    this.meter.bytesRead += filled;
    return filled;
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}

function stampOf(stat: { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint }): FileStamp {
  return { id: `${stat.dev}:${stat.ino}`, size: Number(stat.size), mtime: stat.mtimeNs };
}

function isMissing(e: unknown): boolean {
  return e instanceof Error && "code" in e && (e.code === "ENOENT" || e.code === "ENOTDIR");
}

function reading<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (e) {
    throw unreadable(path, e);
  }
}

function unreadable(path: string, cause: unknown): SyncError {
  return new SyncError("source", "sqlite_unreadable", `${path} cannot be read`, {
    hint: "Check that this user may read the file and its folder, and that the drive is connected.",
    cause,
  });
}
