/** How far a running item is; told by its run, read by whoever shows it. */
export interface ItemProgress {
  /** The backend reads the input. */
  reading(): void;
  /** A large file is read to find out what it is; nothing of it is sent yet. @param read bytes, null when that ended */
  checking(filename: string, read: number | null, size: number): void;
  /** A file is being sent; several may be at once. @param size bytes */
  sending(name: string, size: number): void;
  /** Bytes of that file sent so far in this attempt. */
  sent(name: string, bytes: number): void;
  /** That file is settled, whatever became of it. */
  done(name: string): void;
}
