/** Through this the agent tells of one measurement; it gives the events their numbers. */
import type { Env } from "../env.ts";
import type { LiveEnd } from "../kit/live.ts";
import { encoded } from "./block_data.ts";
import { end, pieces, sizeOf } from "./box.ts";
import { copyBox } from "./copy_box.ts";
import type { Block, LiveSessionView, LiveState, SessionFacts, Structure, WireChange } from "./live_event.ts";
import type { CountedEvent, LiveStream } from "./live_stream.ts";
import { cellBytes, type CellData } from "./variable_cells.ts";

/** Largest patch, bytes and texts; longer ones are told in several events. */
const PATCH_BYTES = 1024 * 1024;
const PATCH_TEXTS = 8192;

type Unstamped<E> = E extends CountedEvent ? Omit<E, "session" | "epoch" | "seq" | "t"> : never;

export class LiveFeed {
  constructor(private readonly stream: LiveStream, private readonly env: Env) {}

  get id(): string {
    return this.stream.id;
  }

  get view(): LiveSessionView {
    return this.stream.view;
  }

  /** What became known later: the dataset's uuid, the live file. */
  update(facts: Partial<Omit<SessionFacts, "id">>): void {
    this.stream.facts = { ...this.stream.facts, ...facts };
  }

  /** The structure, first of all; again when it is another one: a new epoch, in which nothing is measured yet. */
  open({ name, attrs, variables }: Structure): void {
    const { dataset_uuid, source, backend } = this.stream.facts;
    const epoch = this.stream.seq > 0 ? this.env.uuid() : this.stream.epoch;
    this.#tell({ type: "open", dataset_uuid, source, backend, name, attrs, variables }, undefined, {
      epoch,
      seq: 0,
    });
  }

  /**
   * Changes in order. A block beyond the extent lets it grow.
   * @throws SyncError `live_change_invalid`: the changes before the wrong one are told, the others are not
   */
  apply(changes: readonly WireChange[]): void {
    for (const change of changes) {
      if (change.type === "extent") this.#extent(change.var, change.shape);
      else this.#patch(change);
    }
  }

  state(state: LiveState): void {
    if (this.stream.seq > 0 && state !== this.stream.state) this.#tell({ type: "state", state });
  }

  /** The last event. The session can be read for some minutes more. */
  end({ reason, evidence, complete }: LiveEnd): void {
    const { dataset_uuid } = this.stream.facts;
    this.#tell({ type: "end", reason, evidence, complete: complete ?? "unknown", dataset_uuid });
  }

  #extent(name: string, shape: number[]): void {
    if (String(this.stream.shapeOf(name)) !== String(shape)) this.#tell({ type: "extent", var: name, shape });
  }

  #patch(block: Block): void {
    if (sizeOf(block.shape) === 0) return;
    const known = this.stream.shapeOf(block.var);
    const grown = known.map((length, axis) => Math.max(length, end(block, axis)));
    const data = this.stream.valuesOf(block);
    this.#extent(block.var, grown);
    const { var: name, offset, shape, encoding } = block;
    const dtype = this.stream.dtypeOf(name);
    const size = cellBytes(dtype);
    const most = size === 0 ? PATCH_TEXTS : PATCH_BYTES / size;
    if (sizeOf(shape) <= most) {
      this.#tell({ type: "patch", var: name, offset, shape, encoding, data: block.data }, data);
      return;
    }
    for (const box of pieces(block, most)) {
      const part = copyBox([{ box: block, data }], box, size);
      const place = { var: name, offset: [...box.offset], shape: [...box.shape] };
      this.#tell({ type: "patch", ...place, ...encoded(dtype, part) }, part);
    }
  }

  #tell(
    event: Unstamped<CountedEvent>,
    data?: CellData,
    { epoch, seq }: { epoch: string; seq: number } = this.stream,
  ): void {
    const { id: session, end } = this.stream;
    if (end) return;
    this.stream.accept({ ...event, session, epoch, seq: seq + 1, t: this.env.now() }, data);
  }
}
