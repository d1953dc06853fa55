/**
 * An HDF5 file that grows while others read it (SWMR): space is only ever added, and what is there already changes in
 * place, each structure in one write. Format: HDF5 file format specification 3.0, superblock version 3.
 */
import { ByteWriter, padded, UNDEFINED_ADDRESS } from "./byte_writer.ts";

const SUPERBLOCK_BYTES = 48;
/** Consistency flags: open for writing (1), by a writer that lets others read meanwhile (4). */
const SWMR_WRITING = 0x05;

export class GrowingFile {
  readonly #file: Deno.FsFile;
  /** Where the next structure will lie. */
  end = SUPERBLOCK_BYTES;
  #shownEnd = 0;

  constructor(readonly path: string) {
    this.#file = Deno.openSync(path, { write: true, createNew: true });
  }

  /** Sets space aside at the end of the file, and gives its address. */
  allocate(bytes: number): number {
    const address = this.end;
    this.end += padded(bytes);
    return address;
  }

  write(address: number, bytes: Uint8Array): void {
    this.#file.seekSync(address, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }

  append(bytes: Uint8Array): number {
    const address = this.allocate(bytes.length);
    this.write(address, bytes);
    return address;
  }

  /** The file has grown since the superblock was written. */
  get grew(): boolean {
    return this.end !== this.#shownEnd;
  }

  /** Tells readers where the file ends, which they refuse to be shorter, and whether it is still being written. */
  writeSuperblock(root: number, writing: boolean): void {
    if (this.grew) this.#file.truncateSync(this.end);
    this.#shownEnd = this.end;
    this.write(
      0,
      new ByteWriter().u8(0x89).ascii("HDF\r\n\x1a\n").u8(3, 8, 8, writing ? SWMR_WRITING : 0)
        .u64(0).u64(UNDEFINED_ADDRESS).u64(this.end).u64(root).checksum().done(),
    );
  }

  close(): void {
    this.#file.close();
  }
}
