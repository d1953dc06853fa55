/** Datasets of an open HDF5 file. */
import type { Metadata } from "h5wasm/node";
import { SyncError } from "../errors.ts";
import { type Dtype, sizeOf } from "../labelled.ts";
import { readSlabs } from "./chunk_layout.ts";
import { decode, type Hdf5Values } from "./decode.ts";
import { copyOut, libraryStore, requireReadable, withBuffer } from "./file_context.ts";
import { checkFilters, filterName } from "./filters.ts";
import { Hdf5Object } from "./attributes.ts";
import { describeType, type Hdf5Type, isVariableLength, labelledDtype } from "./types.ts";

const REFUSALS = new Set(["hdf5_unsupported_type", "hdf5_unknown_filter", "hdf5_outside_file"]);
/** Bytes reckoned for one text or sequence, whose length is not known beforehand. */
const TEXT_BYTES = 512;
const LARGEST_READ = 1024 ** 3;

export class Hdf5Dataset extends Hdf5Object {
  readonly kind = "dataset";
  #known?: { metadata: Metadata; type: Hdf5Type };

  get #described() {
    if (!this.#known) {
      const metadata = this.file.call(
        `dataset ${this.path}`,
        () => this.file.module.get_dataset_metadata(this.file.id, this.path),
      );
      this.#known = { metadata, type: describeType(metadata) };
    }
    return this.#known;
  }

  /** [] for a scalar, null for a dataset without dataspace. */
  get shape(): number[] | null {
    return this.#described.metadata.shape;
  }

  get type(): Hdf5Type {
    return this.#described.type;
  }

  /** Type in the terms of labelled arrays; undefined for what these can not hold. */
  get dtype(): Dtype | undefined {
    return labelledDtype(this.type);
  }

  /** Null when contiguous. */
  get chunks(): number[] | null {
    return this.#described.metadata.chunks;
  }

  /** The filters that values pass through, in the order in which they were applied. */
  get filters(): { id: number; name: string }[] {
    return this.file.call(
      `filters of ${this.path}`,
      () => this.file.module.get_dataset_filters(this.file.id, this.path),
    )
      .map(({ id, name }) => ({ id, name: name || filterName(id) }));
  }

  /** Name as a dimension scale ("" = unnamed); null when it is none. */
  get scaleName(): string | null {
    return this.file.call(
      `dataset ${this.path}`,
      () => this.file.module.get_scale_name(this.file.id, this.path),
    );
  }

  /** Paths of the dimension scales of each axis. */
  scales(): string[][] {
    return (this.shape ?? []).map((_, axis) =>
      this.file.call(
        `axis ${axis} of ${this.path}`,
        () => this.file.module.get_attached_scales(this.file.id, this.path, axis),
      )
    );
  }

  /**
   * Checks that the values can be read: type, filters, and that they lie in this file.
   * @throws SyncError `hdf5_unsupported_type`, `hdf5_unknown_filter`, `hdf5_outside_file` (class data)
   */
  requireReadable(): void {
    const what = `dataset ${this.path}`;
    requireReadable(this.file, what, this.type);
    checkFilters(`${this.file.path}: ${what}`, this.filters);
    const outside = this.#described.metadata.virtual_sources?.find((source) => source.file_name !== ".");
    if (outside) {
      throw new SyncError(
        "data",
        "hdf5_outside_file",
        `${this.file.path}: ${what} is a view on the other file ${outside.file_name}`,
        { hint: "Save the data themselves in the file (h5repack does it)." },
      );
    }
  }

  /** Whether the values can be read; see {@link requireReadable}. */
  isReadable(): boolean {
    try {
      this.requireReadable();
      return true;
    } catch (error) {
      if (error instanceof SyncError && REFUSALS.has(error.code)) return false;
      throw error;
    }
  }

  /**
   * The values in C order, in slabs of at most 8 MiB.
   * @throws SyncError as {@link requireReadable}; `hdf5_unreadable` when a chunk is damaged
   */
  *iterateSlabs(): Generator<Hdf5Values, void, undefined> {
    const { shape, type, chunks } = this;
    this.requireReadable();
    if (shape === null || sizeOf(shape) === 0) return;
    for (const slab of readSlabs(shape, chunks, isVariableLength(type) ? TEXT_BYTES : type.bytes)) {
      yield this.#readBox(slab.offset, slab.count);
    }
  }

  /**
   * Values of a box, flat in C order; everything when `start` is absent.
   * @throws SyncError as {@link iterateSlabs}; `hdf5_too_large` above 1 GiB
   */
  read(start?: readonly number[], count?: readonly number[]): Hdf5Values {
    this.requireReadable();
    const shape = this.shape ?? [];
    const offset = start ?? shape.map(() => 0);
    const extent = count ?? shape.map((n, axis) => n - (offset[axis] ?? 0));
    const bytes = sizeOf(extent) * this.type.bytes;
    if (bytes > LARGEST_READ) {
      throw new SyncError(
        "data",
        "hdf5_too_large",
        `${this.file.path}: dataset ${this.path}: ${bytes} bytes at once`,
        { hint: "Read it in slabs." },
      );
    }
    return this.#readBox(offset, extent);
  }

  #readBox(offset: readonly number[], count: readonly number[]): Hdf5Values {
    const { file, path, type } = this;
    const what = `dataset ${path}`;
    const size = this.shape === null ? 0 : sizeOf(count);
    if (size === 0) return decode(libraryStore(file.module), new Uint8Array(0), type, 0);
    const box = count.length === 0 ? null : count.map(BigInt);
    const from = box && offset.map(BigInt), stride = box && box.map(() => 1n);
    return file.call(what, () =>
      withBuffer(file, size * type.bytes, (pointer) => {
        file.module.get_dataset_data(file.id, path, box, from, stride, pointer);
        try {
          return decode(libraryStore(file.module), copyOut(file, pointer, size * type.bytes), type, size);
        } finally {
          if (isVariableLength(type)) {
            file.module.reclaim_vlen_memory_count(file.id, path, "", pointer, count.map(BigInt));
          }
        }
      }));
  }
}
