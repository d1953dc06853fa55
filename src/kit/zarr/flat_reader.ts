/** Reads a chunked array as flat C-order ranges, band by band, with bounded memory. */
import type { Values } from "../labelled.ts";
import type { ZarrArrayMetadata } from "./array_metadata.ts";
import type { ChunkReader } from "./chunk_reader.ts";
import { Band, type Box } from "./band.ts";

/** Aim for the decoded bytes that are held at once, beside one chunk. */
const BAND_BYTES = 64 * 1024 * 1024;
/** What a text counts for, since its length is not known beforehand. */
const TEXT_BYTES = 64;

/**
 * Gives flat ranges. Rising ranges are fast: a band (one row of chunks, or as much of it as fits in 64 MiB) is
 * decoded once and kept. Where a row of chunks is larger than that, its chunks are decoded once for every part.
 */
export class FlatReader {
  readonly #chunks: ChunkReader;
  readonly #metadata: ZarrArrayMetadata;
  /** The axis that bands cut; the axes behind it are whole, those before it have one index. */
  readonly #axis: number;
  /** Most indices of that axis in one band. */
  readonly #rows: number;
  /** Elements per index of that axis. */
  readonly #rowLength: number;
  #band: Band | undefined;

  /** @param bandBytes aim for the decoded bytes held at once */
  constructor(chunks: ChunkReader, metadata: ZarrArrayMetadata, bandBytes = BAND_BYTES) {
    this.#chunks = chunks;
    this.#metadata = metadata;
    const itemBytes = metadata.type.itemBytes ?? TEXT_BYTES;
    const lengthBehind = (axis: number) => metadata.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const last = Math.max(0, metadata.shape.length - 1);
    let axis = 0;
    while (axis < last && lengthBehind(axis) * itemBytes > bandBytes) axis++;
    this.#axis = axis;
    this.#rowLength = lengthBehind(axis);
    this.#rows = Math.max(1, Math.floor(bandBytes / (this.#rowLength * itemBytes)));
  }

  /**
   * Elements `start` to `start + length`, flat in C order; see `Values` for their form.
   * @throws SyncError `zarr_damaged` naming the array and the chunk; RangeError for a range outside the array
   */
  async read(start: number, length: number): Promise<Values> {
    const size = this.#metadata.shape.reduce((a, b) => a * b, 1);
    if (!(start >= 0 && length >= 0 && start + length <= size)) {
      throw new RangeError(`elements ${start} to ${start + length} of ${size}`);
    }
    const whole = length === 0 ? undefined : await this.#bandAt(start);
    if (whole !== undefined && start + length <= whole.start + whole.length) {
      return whole.slice(start, length);
    }
    const result = new Band(this.#metadata.type, start, length);
    for (let at = start; at < start + length;) {
      const band = await this.#bandAt(at);
      const part = Math.min(band.start + band.length, start + length) - at;
      result.put(at, band.slice(at, part));
      at += part;
    }
    return result.values;
  }

  async #bandAt(position: number): Promise<Band> {
    const kept = this.#band;
    if (kept !== undefined && position >= kept.start && position < kept.start + kept.length) return kept;
    this.#band = undefined;
    const box = this.#boxAt(position);
    const { shape, chunkShape, type, fill } = this.#metadata;
    const start = box.offset.reduce((flat, index, axis) => flat * (shape[axis] ?? 1) + index, 0);
    const band = new Band(type, start, box.count.reduce((a, b) => a * b, 1));
    for (const coordinates of chunksIn(box, chunkShape)) {
      const chunk = await this.#chunks.read(coordinates);
      band.putChunk(box, coordinates.map((c, axis) => c * (chunkShape[axis] ?? 1)), chunkShape, chunk, fill);
    }
    return this.#band = band;
  }

  /** The band that holds a flat position, as a box; it ends where a row of chunks does, if not before. */
  #boxAt(position: number): Box {
    const { shape, chunkShape } = this.#metadata;
    if (shape.length === 0) return { offset: [], count: [] };
    const offset = shape.map(() => 0), count = [...shape];
    let rest = Math.floor(position / this.#rowLength);
    for (let axis = this.#axis; axis >= 0; axis--) {
      const n = shape[axis] ?? 1;
      offset[axis] = rest % n;
      count[axis] = 1;
      rest = Math.floor(rest / n);
    }
    const axis = this.#axis, index = offset[axis] ?? 0, step = chunkShape[axis] ?? 1;
    // Parts of a row of chunks begin at fixed places, so that the same chunks are decoded for the same bands.
    const begin = Math.floor(index / step) * step;
    const first = begin + Math.floor((index - begin) / this.#rows) * this.#rows;
    offset[axis] = first;
    count[axis] = Math.min(first + this.#rows, begin + step, shape[axis] ?? 1) - first;
    return { offset, count };
  }
}

/** Coordinates of the chunks that a box touches, in C order. */
function* chunksIn(box: Box, chunkShape: number[], axis = 0): Generator<number[], void, undefined> {
  if (axis === box.offset.length) return yield [];
  const offset = box.offset[axis] ?? 0, step = chunkShape[axis] ?? 1;
  const last = Math.floor((offset + (box.count[axis] ?? 1) - 1) / step);
  for (let chunk = Math.floor(offset / step); chunk <= last; chunk++) {
    for (const rest of chunksIn(box, chunkShape, axis + 1)) yield [chunk, ...rest];
  }
}
