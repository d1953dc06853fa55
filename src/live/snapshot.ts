/** All measured cells of a session at one moment, told piece by piece, so that its size does not matter. */
import { encoded } from "./block_data.ts";
import { pieces } from "./box.ts";
import type { SnapshotEvent, Variable } from "./live_event.ts";
import { cellBytes, type FrozenCells } from "./variable_cells.ts";

/** Bytes of cells in one patch. */
const PATCH_BYTES = 1024 * 1024;
/** Texts in one patch. */
const PATCH_TEXTS = 8192;

export class Snapshot {
  readonly #cells: { variable: Variable; cells: FrozenCells }[];
  #released = false;

  /**
   * @param head everything but the cells
   * @param freeze takes hold of the cells of a variable
   */
  constructor(
    readonly head: Omit<SnapshotEvent, "patches">,
    freeze: (variable: string) => FrozenCells,
  ) {
    this.#cells = head.variables.map((variable) => ({ variable, cells: freeze(variable.name) }));
  }

  /** The patches as JSON. */
  *patches(): Generator<string> {
    for (const { variable, cells } of this.#cells) {
      const size = cellBytes(variable.dtype);
      const most = size === 0 ? PATCH_TEXTS : PATCH_BYTES / size;
      for (const whole of cells.boxes()) {
        for (const box of pieces(whole, most)) {
          const { offset, shape } = box;
          yield JSON.stringify({
            var: variable.name,
            offset,
            shape,
            ...encoded(variable.dtype, cells.read(box)),
          });
        }
      }
    }
  }

  /** The event as JSON, in pieces. */
  *text(): Generator<string> {
    yield JSON.stringify(this.head).slice(0, -1) + ',"patches":[';
    let separator = "";
    for (const patch of this.patches()) {
      yield separator + patch;
      separator = ",";
    }
    yield "]}";
  }

  /** Lets the cells go; nothing can be read afterwards. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const { cells } of this.#cells) cells.release();
  }
}
