/**
 * Memory for the cells of all sessions together, in pages: those used least recently are kept in a private file once
 * there are more than the budget allows.
 */
import { join } from "node:path";

/** Bytes of a page. */
export const PAGE_BYTES = 16 * 1024;

export class Page {
  /** Undefined while it is in the file. */
  bytes: Uint8Array<ArrayBuffer> | undefined = new Uint8Array(PAGE_BYTES);
  /** Its place in the file, in pages. */
  slot: number | undefined;
  /** What is in the file is not what is in memory. */
  dirty = true;
  /** Snapshots under way that still need it as it is. */
  frozen = 0;
  /** No longer part of any variable; gone for good once no snapshot needs it. */
  dropped = false;
}

export class PagePool {
  /** Pages in memory, the least recently used first. */
  readonly #resident = new Set<Page>();
  readonly #freeSlots: number[] = [];
  #slots = 0;
  #file: Deno.FsFile | undefined;
  #last: Page | undefined;
  /** The disk took no more: the rest stays in memory. */
  #full = false;

  /**
   * @param folder for the private file; without one everything stays in memory
   * @param budget bytes that may stay in memory
   */
  constructor(private readonly folder: string | undefined, private readonly budget: number) {}

  /** Bytes of cells in memory, and in the file. */
  get usage(): { memory: number; file: number } {
    return {
      memory: this.#resident.size * PAGE_BYTES,
      file: (this.#slots - this.#freeSlots.length) * PAGE_BYTES,
    };
  }

  /** A new page of zeros. */
  take(): Page {
    const page = new Page();
    this.#resident.add(page);
    this.#makeRoom(page);
    return page;
  }

  /** A page with the same bytes. */
  copy(from: Page): Page {
    const source = this.read(from);
    const page = this.take();
    page.bytes?.set(source);
    return page;
  }

  /** The bytes of a page, valid until the next call. */
  read(page: Page): Uint8Array<ArrayBuffer> {
    if (page === this.#last && page.bytes) return page.bytes;
    this.#last = page;
    if (page.bytes) {
      this.#resident.delete(page);
      this.#resident.add(page);
      return page.bytes;
    }
    const bytes = new Uint8Array(PAGE_BYTES);
    const file = this.#opened();
    file.seekSync((page.slot ?? 0) * PAGE_BYTES, Deno.SeekMode.Start);
    for (let at = 0; at < PAGE_BYTES;) {
      const n = file.readSync(bytes.subarray(at));
      if (!n) throw new Error("the file of live cells is shorter than what was written to it");
      at += n;
    }
    page.bytes = bytes;
    page.dirty = false;
    this.#resident.add(page);
    this.#makeRoom(page);
    return bytes;
  }

  /** The bytes of a page, to be changed before the next call. */
  write(page: Page): Uint8Array<ArrayBuffer> {
    const bytes = this.read(page);
    page.dirty = true;
    return bytes;
  }

  /** Nobody needs it any more, except snapshots under way. */
  drop(page: Page): void {
    page.dropped = true;
    if (page.frozen > 0) return;
    this.#resident.delete(page);
    page.bytes = undefined;
    if (page.slot !== undefined) this.#freeSlots.push(page.slot);
    page.slot = undefined;
  }

  thaw(page: Page): void {
    page.frozen--;
    if (page.dropped) this.drop(page);
  }

  close(): void {
    this.#resident.clear();
    this.#file?.close();
    this.#file = undefined;
  }

  #makeRoom(keep: Page): void {
    if (this.folder === undefined || this.#full) return;
    while (this.#resident.size * PAGE_BYTES > this.budget) {
      const [oldest] = this.#resident;
      if (!oldest || oldest === keep) return;
      if (oldest.dirty && !this.#save(oldest)) return;
      oldest.bytes = undefined;
      this.#resident.delete(oldest);
    }
  }

  #save(page: Page): boolean {
    const bytes = page.bytes ?? new Uint8Array(PAGE_BYTES);
    page.slot ??= this.#freeSlots.pop() ?? this.#slots++;
    try {
      const file = this.#opened();
      file.seekSync(page.slot * PAGE_BYTES, Deno.SeekMode.Start);
      for (let at = 0; at < PAGE_BYTES;) at += file.writeSync(bytes.subarray(at));
      return true;
    } catch {
      this.#full = true;
      return false;
    }
  }

  /** Its name is removed at once where the system allows it, so that a kill leaves nothing behind. */
  #opened(): Deno.FsFile {
    if (this.#file) return this.#file;
    const folder = this.folder ?? "";
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `cells-${crypto.randomUUID()}`);
    this.#file = Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 });
    try {
      Deno.removeSync(path);
    } catch {
      // Windows keeps the name of an open file: the folder is emptied at the next start.
    }
    return this.#file;
  }
}
