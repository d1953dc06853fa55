/** Decodes single chunks of one array with zarrita. */
import * as zarr from "zarrita";
import { SyncError } from "../errors.ts";
import type { NumericArray } from "../labelled.ts";
import type { ZarrArrayMetadata } from "./array_metadata.ts";
import { MAX_CHUNK_BYTES, registerCheckedCodecs } from "./checked_codecs.ts";
import type { StoreFolder } from "./store_folder.ts";
import { damaged, type Place, unsupported } from "./zarr_error.ts";

/** A decoded chunk: element i0,i1,… is at the sum of index × stride; complex elements are two floats wide. */
export interface DecodedChunk {
  data: NumericArray | Float16Array | string[];
  stride: number[];
  /** All elements are the fill value: there is no such chunk in the store. */
  missing: boolean;
}

export class ChunkReader {
  readonly #array: zarr.Array<zarr.DataType>;
  readonly #pairs: boolean;
  readonly #count: number;
  readonly #place: Place;

  constructor(store: StoreFolder, key: string, metadata: ZarrArrayMetadata, place: Place) {
    registerCheckedCodecs();
    this.#array = new zarr.Array(readableBelow(store, key, metadata.indexAtStart), "/", metadata.decoding);
    this.#pairs = metadata.type.pairs;
    this.#count = metadata.chunkShape.reduce((a, b) => a * b, 1);
    this.#place = place;
  }

  /** @throws SyncError `zarr_damaged` naming the array and the chunk */
  async read(coordinates: number[]): Promise<DecodedChunk> {
    try {
      const { data, stride } = await this.#array.getChunk(coordinates);
      const missing = this.#pairs && data.length === this.#count;
      if (!missing && data.length !== this.#count * (this.#pairs ? 2 : 1)) throw new Error("wrong length");
      return { data: plainValues(data), stride, missing };
    } catch (cause) {
      if (cause instanceof SyncError && cause.class === "source") throw cause;
      if (zarr.isZarritaError(cause, "InvalidMetadataError", "UnsupportedError")) {
        throw unsupported(this.#place, cause.message);
      }
      throw damaged(this.#place, `chunk ${coordinates.join(",") || "0"}: ${reasonOf(cause)}`, cause);
    }
  }
}

/** Texts as strings, booleans as bytes; numbers as they are. */
function plainValues(data: zarr.Chunk<zarr.DataType>["data"]): DecodedChunk["data"] {
  if (data instanceof zarr.BoolArray) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (data instanceof zarr.ByteStringArray || data instanceof zarr.UnicodeStringArray) return [...data];
  return Array.isArray(data) ? data.map((text) => String(text ?? "")) : data;
}

/** The deepest cause says what is wrong; zarrita's own message only says which codec. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `decoder failed (${String(error)})`;
  const codec = zarr.isZarritaError(error, "CodecPipelineError") && error.codec ? `${error.codec}: ` : "";
  return codec + (error.cause !== undefined ? reasonOf(error.cause) : error.message);
}

/** The array's own folder as a store of zarrita, whose keys then need no path and no decoding of names. */
function readableBelow(store: StoreFolder, key: string, indexAtStart: boolean): zarr.AsyncReadable {
  const full = (chunkKey: string) => `${key}${key && "/"}${chunkKey.slice(1)}`;
  // deno-lint-ignore require-await -- failures must be rejections, as zarrita calls these without awaiting at once
  const get = async (chunkKey: string) => store.read(full(chunkKey), { limit: 2 * MAX_CHUNK_BYTES });
  // deno-lint-ignore require-await
  const getRange = async (chunkKey: string, range: zarr.RangeQuery) =>
    store.read(full(chunkKey), {
      range: "suffixLength" in range && indexAtStart ? { offset: 0, length: range.suffixLength } : range,
      limit: 2 * MAX_CHUNK_BYTES,
    });
  return { get, getRange };
}
