/** A dataset of a growing file. */
import { decode, type Hdf5Values } from "../hdf5/decode.ts";
import { requireReadable } from "../hdf5/file_context.ts";
import { filterName } from "../hdf5/filters.ts";
import { type Hdf5Type, labelledDtype } from "../hdf5/types.ts";
import { type Dtype, sizeOf } from "../labelled.ts";
import { isSupported } from "./chunk_filters.ts";
import type { StoredChunk } from "./stored_chunk.ts";
import { ChunkStore } from "./chunk_store.ts";
import { tornDataset, unsupported } from "./dataset_errors.ts";
import { type DatasetFacts, readDatasetFacts, sameStorage } from "./dataset_facts.ts";
import type { FileSource } from "./file_source.ts";
import { globalHeapStore } from "./global_heap.ts";
import type { ObjectTree } from "./object_tree.ts";
import { storedValues } from "./stored_values.ts";
import type { LiveAttribute, LiveChunk, LiveHdf5Dataset } from "./types.ts";

export class LiveDataset implements LiveHdf5Dataset {
  #facts: DatasetFacts;
  #address: number;
  #replacements: number;
  readonly #known = new Map<string, StoredChunk>();

  /** @throws FormatError, SyncError `hdf5_no_object` */
  constructor(readonly source: FileSource, readonly tree: ObjectTree, readonly path: string) {
    this.#address = tree.find(path);
    this.#facts = readDatasetFacts(source, this.#address);
    this.#replacements = source.replacements;
  }

  get shape(): number[] {
    return this.#facts.shape;
  }

  get maxShape(): number[] {
    return this.#facts.maxShape;
  }

  get type(): Hdf5Type {
    return this.#facts.type;
  }

  get dtype(): Dtype | undefined {
    return labelledDtype(this.#facts.type);
  }

  get layout(): "compact" | "contiguous" | "chunked" | "other" {
    return this.#facts.layout.kind;
  }

  get chunkShape(): number[] | null {
    const { layout } = this.#facts;
    return layout.kind === "chunked" ? layout.chunkShape : null;
  }

  get filters(): number[] {
    return this.#facts.filters.map(({ id }) => id);
  }

  get fillBytes(): Uint8Array | null {
    return this.#facts.fill;
  }

  fillValue(): Hdf5Values {
    const { fill, type } = this.#facts;
    requireReadable(this.source, `dataset ${this.path}`, type);
    const bytes = fill?.length === type.bytes ? fill.slice() : new Uint8Array(type.bytes);
    return this.source.consistent(() => this.#decoded(bytes, this.#facts, 1));
  }

  refresh(): void {
    this.source.consistent(() => {
      // A SWMR writer moves nothing.
      if (!this.source.superblock.swmr || this.#replacements !== this.source.replacements) {
        this.#known.clear();
        this.#address = this.tree.find(this.path);
      }
      this.#facts = readDatasetFacts(this.source, this.#address);
      this.#replacements = this.source.replacements;
    });
  }

  read(offset: number[], count: number[], options: { missing?: "fill" | "torn" } = {}): Hdf5Values {
    return this.#reading((facts) => {
      if (offset.length !== facts.shape.length || count.length !== facts.shape.length) {
        throw new RangeError(`${this.path} has ${facts.shape.length} axes`);
      }
      if (offset.some((n, axis) => n < 0 || n + (count[axis] ?? 0) > (facts.shape[axis] ?? 0))) {
        throw tornDataset(this.#name, `has an extent of only [${facts.shape}]`);
      }
      const missing = options.missing ?? "fill";
      const bytes = storedValues(this.source, this.#name, facts, offset, count, missing, this.#known);
      return this.#decoded(bytes, facts, sizeOf(count));
    });
  }

  storage(): { address: number; size: number } | null {
    const { layout, type, shape } = this.#facts;
    if (layout.kind !== "contiguous" || layout.address === null) return null;
    const address = layout.address + this.source.superblock.base;
    return { address, size: layout.size ?? sizeOf(shape) * type.bytes };
  }

  chunks(from = 0): Iterable<LiveChunk> {
    const list = () => {
      const { index, chunkShape } = this.#chunks();
      return this.#placed(index.from(Math.floor(from / (chunkShape[0] ?? 1))), chunkShape);
    };
    return this.source.inside ? list() : this.source.consistent(() => [...list()]);
  }

  chunkAt(cell: number[]): LiveChunk | undefined {
    return this.source.consistent(() => {
      const { index, chunkShape } = this.#chunks();
      const chunk = index.find(cell.map((n, axis) => Math.floor(n / (chunkShape[axis] ?? 1))));
      return chunk && this.#place(chunk, chunkShape);
    });
  }

  chunkBytes(chunk: LiveChunk): Uint8Array {
    return this.source.consistent(() =>
      this.source.readOnce(chunk.address - this.source.superblock.base, chunk.size)
    );
  }

  readChunk(chunk: LiveChunk): Hdf5Values {
    return this.#reading((facts) => {
      const chunks = this.#chunks(facts), { chunkShape } = chunks;
      const content = chunks.content({
        scaled: chunk.offset.map((n, axis) => n / (chunkShape[axis] ?? 1)),
        address: chunk.address - this.source.superblock.base,
        size: chunk.size,
        filterMask: chunk.filterMask,
      });
      return this.#decoded(content.slice(0, chunks.chunkBytes), facts, sizeOf(chunkShape));
    });
  }

  attribute(name: string): LiveAttribute | undefined {
    return this.source.consistent(() => this.tree.attributes(this.#address, name))[0];
  }

  attributes(): LiveAttribute[] {
    return this.source.consistent(() => this.tree.attributes(this.#address));
  }

  get #name() {
    return { file: this.source.path, dataset: this.path };
  }

  /** The facts that reading goes by: those of `refresh` where they can not be others by now. */
  #current(): DatasetFacts {
    if (this.#replacements !== this.source.replacements) {
      throw tornDataset(this.#name, "was replaced by another one");
    }
    if (this.source.superblock.swmr) return this.#facts;
    this.#known.clear();
    const facts = readDatasetFacts(this.source, this.#address);
    if (!sameStorage(facts, this.#facts)) throw tornDataset(this.#name, "was written anew");
    return facts;
  }

  #chunks(facts = this.#current()): ChunkStore {
    return new ChunkStore(this.source, this.#name, facts, this.#known);
  }

  #reading<T>(body: (facts: DatasetFacts) => T): T {
    return this.source.consistent(() => {
      const facts = this.#current();
      requireReadable(this.source, `dataset ${this.path}`, facts.type);
      const unknown = facts.filters.find((filter) => !isSupported(filter));
      if (unknown) {
        throw unsupported(this.#name, "hdf5_unknown_filter", `is compressed with ${filterName(unknown.id)}`);
      }
      return body(facts);
    });
  }

  #decoded(bytes: Uint8Array, { type }: DatasetFacts, count: number): Hdf5Values {
    return decode(globalHeapStore(this.source), bytes, type, count, true);
  }

  *#placed(chunks: Iterable<StoredChunk>, chunkShape: number[]): Generator<LiveChunk, void, undefined> {
    for (const chunk of chunks) yield this.#place(chunk, chunkShape);
  }

  #place({ scaled, address, size, filterMask }: StoredChunk, chunkShape: number[]): LiveChunk {
    const offset = scaled.map((n, axis) => n * (chunkShape[axis] ?? 1));
    return { offset, address: address + this.source.superblock.base, size, filterMask };
  }
}
