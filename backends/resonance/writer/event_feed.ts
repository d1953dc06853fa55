/**
 * The events of a run before they are committed: `<database>-live/<run uid>.ndjson`, one JSON object a line, beside the
 * database. It is gone when the run is closed, and nothing depends on it.
 */
import fs from "node:fs";
import { join } from "node:path";

/** Folder of the feeds of a database. */
export function feedFolder(databasePath: string): string {
  return `${databasePath}-live`;
}

/** The feed of a run. */
export function feedPath(databasePath: string, runUid: string): string {
  return join(feedFolder(databasePath), `${runUid}.ndjson`);
}

/** The writing end. A failure ends the feed and nothing else: the run is what counts. */
export class EventFeed {
  readonly #folder: string;
  readonly #path: string;
  #handle: number | undefined;

  constructor(databasePath: string, runUid: string) {
    this.#folder = feedFolder(databasePath);
    this.#path = feedPath(databasePath, runUid);
    this.#attempt(() => {
      fs.mkdirSync(this.#folder, { recursive: true });
      this.#handle = fs.openSync(this.#path, "wx");
    });
  }

  /** @param data values by field as JSON, as the database has them; `timestamps` likewise */
  event(
    event: { uid: string; stream: string; seq_num: number; time: number },
    data: string,
    timestamps: string,
  ): void {
    const head = JSON.stringify(event).slice(0, -1);
    this.#append(`${head},"data":${data},"timestamps":${timestamps}}\n`);
  }

  image(image: { event: string; field: string; index: number }): void {
    this.#append(`${JSON.stringify(image)}\n`);
  }

  #append(line: string): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    const bytes = new TextEncoder().encode(line);
    this.#attempt(() => {
      for (let done = 0; done < bytes.length;) done += fs.writeSync(handle, bytes, done);
    });
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch {
      this.close();
    }
  }

  /** Removes it when its run is committed. */
  remove(): void {
    this.close();
    try {
      fs.rmSync(this.#path, { force: true });
      fs.rmdirSync(this.#folder);
    } catch {
      // Another run has its feed there, or a reader has the file open.
    }
  }

  close(): void {
    if (this.#handle !== undefined) fs.closeSync(this.#handle);
    this.#handle = undefined;
  }
}
