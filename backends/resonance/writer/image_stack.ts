/** A stack of images as a Zarr array of shape (n, rows, columns) in chunks of one image, that grows by one per image. */
import fs from "node:fs";
import { join } from "node:path";
import { BLOSC, bloscFrame } from "./blosc_frame.ts";
import type { ImageData, ImageType } from "./image_type.ts";
import { replaceFile, syncFolder, type ZarrStoreWriter } from "./zarr_store.ts";

/** What image_refs says of the codec. */
export const CODEC = BLOSC.id;

export class ImageStack {
  readonly #folder: string;
  /** The folder above, in which the array's own name has to become durable. */
  readonly #parent: string;
  #synced = false;
  #frames = 0;

  /**
   * Makes an array without images.
   * @param group existing folder of the group
   * @throws the system's EEXIST when there is something of this name already
   */
  constructor(
    private readonly store: ZarrStoreWriter,
    group: string,
    name: string,
    readonly type: ImageType,
  ) {
    this.#folder = join(group, name);
    this.#parent = group;
    fs.mkdirSync(this.#folder);
    this.#writeMetadata(true);
  }

  /** Appends an image; other programs see it at once, and {@link sync} brings it to the disk. @returns its index */
  append(data: ImageData): number {
    const index = this.#frames;
    const { itemBytes } = this.type;
    if (data.length > 0) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      // Under its final name at once: no reader looks beyond the shape, which grows afterwards.
      const key = this.store.format === 3 ? `c.${index}.0.0` : `${index}.0.0`;
      this.store.chunks.write(join(this.#folder, key), bloscFrame(bytes, itemBytes));
    }
    this.#frames++;
    try {
      this.#writeMetadata(false);
    } catch (e) {
      this.#frames--;
      throw e;
    }
    this.#synced = false;
    return index;
  }

  /** Waits until all images are on the disk. */
  sync(): void {
    if (this.#synced) return;
    this.store.chunks.finish();
    this.#writeMetadata(true);
    syncFolder(this.#folder);
    syncFolder(this.#parent);
    this.#synced = true;
  }

  #writeMetadata(durably: boolean): void {
    const { rows, columns } = this.type;
    const shape = [this.#frames, rows, columns];
    // A chunk has at least one element, also where an image has none.
    const chunks = [1, Math.max(1, rows), Math.max(1, columns)];
    const [file, document] = this.store.format === 3
      ? ["zarr.json", arrayV3(this.type, shape, chunks)] as const
      : [".zarray", arrayV2(this.type, shape, chunks)] as const;
    replaceFile(join(this.#folder, file), JSON.stringify(document, null, 2), durably);
  }
}

/** Zarr storage specification, version 2: `.zarray`. */
function arrayV2({ code, itemBytes }: ImageType, shape: number[], chunks: number[]): object {
  return {
    shape,
    chunks,
    dtype: `${itemBytes === 1 ? "|" : "<"}${code}`,
    fill_value: 0,
    order: "C",
    filters: null,
    dimension_separator: ".",
    compressor: BLOSC,
    zarr_format: 2,
  };
}

/** Zarr core specification, version 3: `zarr.json`. Chunk keys with dots keep a stack in one folder. */
function arrayV3({ dtype, itemBytes }: ImageType, shape: number[], chunks: number[]): object {
  const { id, cname, clevel, blocksize } = BLOSC;
  return {
    shape,
    data_type: dtype,
    chunk_grid: { name: "regular", configuration: { chunk_shape: chunks } },
    chunk_key_encoding: { name: "default", configuration: { separator: "." } },
    fill_value: 0,
    codecs: [
      { name: "bytes", ...itemBytes === 1 ? {} : { configuration: { endian: "little" } } },
      { name: id, configuration: { typesize: itemBytes, cname, clevel, shuffle: "shuffle", blocksize } },
    ],
    attributes: {},
    zarr_format: 3,
    node_type: "array",
    storage_transformers: [],
  };
}
