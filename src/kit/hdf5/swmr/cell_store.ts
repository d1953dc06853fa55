/** Where the values of one dataset lie in a growing file. All blocks are in C order. */
import type { Message } from "./messages.ts";

export interface CellStore {
  /** Messages of the dataset's header that say where values are and what cells without one read as. */
  readonly messages: Message[];
  /**
   * Writes a block of values; the block lies within `stored`, the shape that readers see.
   * @throws SyncError `live_file_too_large`
   */
  write(block: Block, values: Float64Array, stored: readonly number[]): void;
  /** Makes the cells of a block NaN again. */
  clear(block: Block): void;
  /** Hands everything to the operating system, so that other processes see it. */
  settle(): void;
  /** Forgets what lies wholly outside of the last extent. */
  trim(extent: readonly number[]): void;
}

export interface Block {
  offset: readonly number[];
  shape: readonly number[];
}
