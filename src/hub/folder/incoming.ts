/**
 * Uploads under way. Each process that has the hub open writes into a folder of its own, beside a file that it keeps
 * locked while it lives: what belongs to an unlocked file was left by a process that died, and is removed.
 */
import type { FileSystem } from "../../env.ts";
import { writeBody } from "./body.ts";
import { ContentHash } from "./content_hash.ts";

export interface ReceivedUpload {
  path: string;
  size: number;
  md5: string;
  sha256: string;
}

export class Incoming {
  #uploads = 0;

  private constructor(
    private readonly folder: string,
    private readonly lock: Deno.FsFile,
    private readonly fs: FileSystem,
  ) {}

  /**
   * Takes a folder for this process below `root`, and removes those of dead processes.
   * @param name of the new folder, unique
   */
  static open(root: string, name: string, fs: FileSystem): Incoming {
    Deno.mkdirSync(root, { recursive: true, mode: 0o700 });
    // Held while folders come and go, so that a folder without lock is never one that is just being made.
    const guard = Deno.openSync(`${root}/guard`, { write: true, create: true });
    guard.lockSync(true);
    try {
      for (const entry of [...Deno.readDirSync(root)]) {
        if (entry.name.endsWith(".lock")) removeIfDead(root, entry.name);
      }
      const folder = `${root}/${name}`;
      const lock = Deno.openSync(`${folder}.lock`, { write: true, createNew: true });
      lock.lockSync(true);
      Deno.mkdirSync(folder);
      return new Incoming(folder, lock, fs);
    } finally {
      guard.close();
    }
  }

  /**
   * Writes a body to a new file and makes it durable; holds one piece of it in memory.
   * @param length bytes that the sender announced
   * @throws HubError 400 when more or fewer arrive; the file is removed then
   */
  async receive(body: ReadableStream<Uint8Array> | null, length: number): Promise<ReceivedUpload> {
    const path = `${this.folder}/${this.#uploads++}`;
    const hash = new ContentHash();
    const file = this.fs.openSync(path, { write: true, createNew: true, mode: 0o600 });
    try {
      try {
        await writeBody(file, body, length, (piece) => hash.update(piece));
        await file.syncData();
      } finally {
        file.close();
      }
      return { path, ...hash.digest() };
    } catch (e) {
      await this.discard(path);
      throw e;
    }
  }

  /** Removes a received file that is not wanted; fine when it has been moved away. */
  async discard(path: string): Promise<void> {
    await this.fs.remove(path).catch(() => {});
  }

  close(): void {
    Deno.removeSync(this.folder, { recursive: true });
    // The name first: a lock file without lock would be taken for one of a dead process, which is the same in the end.
    try {
      Deno.removeSync(`${this.folder}.lock`);
    } finally {
      this.lock.close();
    }
  }
}

function removeIfDead(root: string, lockName: string): void {
  const lock = Deno.openSync(`${root}/${lockName}`, { write: true });
  try {
    if (!lock.tryLockSync(true)) return;
    const folder = `${root}/${lockName.slice(0, -".lock".length)}`;
    try {
      Deno.removeSync(folder, { recursive: true });
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
    Deno.removeSync(`${root}/${lockName}`);
  } finally {
    lock.close();
  }
}
