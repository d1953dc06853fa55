/** The grid of chunks that covers a dataset. */
import { places } from "./box_runs.ts";
import { FormatError } from "./format_error.ts";

/** More are not listed: a damaged extent must not keep anybody for ever. */
const MOST_CHUNKS = 4_000_000;

export interface ChunkGridFacts {
  shape: number[];
  /** Infinity for an unlimited axis. */
  maxShape: number[];
  chunkShape: number[];
  /** Bytes of a chunk without filters. */
  chunkBytes: number;
  filtered: boolean;
}

export class ChunkGrid {
  readonly chunkShape: number[];
  readonly chunkBytes: number;
  readonly filtered: boolean;
  /** Chunks per axis: now, and at most. */
  readonly #now: number[];
  readonly #most: number[];
  /** The one axis without limit comes first in the order of an extensible array. */
  readonly #growingAxis: number;

  constructor(facts: ChunkGridFacts) {
    this.chunkShape = facts.chunkShape;
    this.chunkBytes = facts.chunkBytes;
    this.filtered = facts.filtered;
    const perAxis = (shape: number[]) => shape.map((n, i) => Math.ceil(n / (facts.chunkShape[i] ?? 1)));
    this.#now = perAxis(facts.shape);
    this.#most = perAxis(facts.maxShape);
    this.#growingAxis = Math.max(0, facts.maxShape.indexOf(Infinity));
  }

  get rank(): number {
    return this.chunkShape.length;
  }

  /** Place of a chunk in C order of the largest grid. */
  position(scaled: number[]): number {
    return scaled.reduce((position, n, axis) => position * (this.#most[axis] ?? 1) + n, 0);
  }

  /** The same with the growing axis first. */
  growingPosition(scaled: number[]): number {
    const axis = this.#growingAxis;
    let position = scaled[axis] ?? 0;
    scaled.forEach((n, i) => {
      if (i !== axis) position = position * (this.#most[i] ?? 1) + n;
    });
    return position;
  }

  /** All places from a row on, in C order; the same list each time. */
  places(row: number): Iterable<number[]> {
    const count = this.#now.reduce((a, b) => a * b, 1);
    if (count > MOST_CHUNKS) throw new FormatError(`a grid of ${count} chunks`);
    return places(this.#now, row);
  }
}
