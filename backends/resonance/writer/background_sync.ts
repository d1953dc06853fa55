/**
 * Brings files to the disk while their writer goes on: a disk takes milliseconds for one file, and many at once hardly
 * longer.
 */
import fs from "node:fs";

/** Most files underway; each keeps up to three handles until the writer lets the runtime take a breath. */
const UNDERWAY = 24;

export class BackgroundSync {
  /** Handles of files that may not be on the disk yet, oldest first. */
  readonly #handles: number[] = [];
  #underway = 0;

  /**
   * Writes a new file; it is on the disk after {@link finish}. A writer that never awaits anything waits here for the
   * disk once enough files are underway.
   */
  write(path: string, bytes: Uint8Array): void {
    const handle = fs.openSync(path, "w");
    try {
      for (let done = 0; done < bytes.length;) done += fs.writeSync(handle, bytes, done);
      if (this.#underway === UNDERWAY) return fs.fsyncSync(handle);
      // Of its own, so that a failure of the disk is told to it too.
      this.#handles.push(fs.openSync(path, "r+"));
      this.#underway++;
      // Begins at once; whether it succeeds is asked below.
      fs.fsync(handle, () => this.#underway--);
    } finally {
      // A call underway keeps the file open for itself.
      fs.closeSync(handle);
    }
    if (this.#handles.length > UNDERWAY) this.#finishOldest();
  }

  /** Waits until all files are on the disk. */
  finish(): void {
    while (this.#handles.length > 0) this.#finishOldest();
  }

  #finishOldest(): void {
    const handle = this.#handles[0];
    if (handle === undefined) return;
    fs.fsyncSync(handle);
    this.#handles.shift();
    fs.closeSync(handle);
  }

  /** Lets go of files that nobody waits for any more. */
  close(): void {
    for (const handle of this.#handles.splice(0)) fs.closeSync(handle);
  }
}
