/** One session: its structure, cells and last events, and those who follow it. */
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { dataOf } from "./block_data.ts";
import { end, sizeOf } from "./box.ts";
import type {
  Block,
  Ending,
  LiveEvent,
  LiveSessionView,
  LiveState,
  SessionFacts,
  SnapshotEvent,
  Structure,
  Variable,
} from "./live_event.ts";
import type { PagePool } from "./page_pool.ts";
import { type ReplayMemory, ReplayWindow, type WindowLimits } from "./replay_window.ts";
import { Snapshot } from "./snapshot.ts";
import { type CellData, VariableCells } from "./variable_cells.ts";

/** Events that raise `seq`. */
export type CountedEvent = Exclude<LiveEvent, { type: "snapshot" | "heartbeat" }>;

/** Who follows a session, as the session sees it. */
export interface Follower {
  /** Something may be new. */
  wake(): void;
  /** A reader that heard nothing for so long is told that all is well, ms. */
  beat(silentMs: number): void;
  /** Nothing comes any more. */
  cancel(): void;
}

interface VariableState {
  facts: Variable;
  cells: VariableCells;
}

export class LiveStream {
  readonly window: ReplayWindow;
  readonly subscribers = new Set<Follower>();
  readonly started: number;
  epoch: string;
  seq = 0;
  state: LiveState = "running";
  end: Ending | undefined;
  /** Last event, ms since 1970 UTC. */
  updated: number;
  #head: Omit<Structure, "variables"> = { name: "", attrs: {} };
  readonly #variables = new Map<string, VariableState>();

  constructor(
    readonly id: string,
    public facts: SessionFacts,
    private readonly env: Env,
    private readonly pool: PagePool,
    memory: ReplayMemory,
    readonly limits: WindowLimits,
  ) {
    this.window = new ReplayWindow(memory, limits);
    this.epoch = env.uuid();
    this.started = this.updated = env.now();
  }

  get view(): LiveSessionView {
    return {
      ...this.facts,
      id: this.id,
      epoch: this.epoch,
      seq: this.seq,
      state: this.end ? "ended" : this.state,
      started: new Date(this.started).toISOString(),
      updated: new Date(this.updated).toISOString(),
      end: this.end ?? null,
    };
  }

  dtypeOf(name: string): Variable["dtype"] {
    return this.variable(name).facts.dtype;
  }

  /** Extent of a variable now. */
  shapeOf(name: string): readonly number[] {
    return this.variable(name).cells.shape;
  }

  /**
   * The next event: changes what is known, and tells everybody.
   * @param data values of a patch, where they are decoded already
   * @throws SyncError `live_change_invalid` when it does not fit the structure; nothing is changed then
   */
  accept(event: CountedEvent, data?: CellData): void {
    let mergeable = false;
    switch (event.type) {
      case "open":
        this.#restructure(event);
        break;
      case "patch":
        this.#write(event, data ?? this.valuesOf(event));
        mergeable = true;
        break;
      case "extent": {
        const { cells } = this.variable(event.var);
        checkAxes(event.var, event.shape, cells.shape);
        mergeable = cells.shape.every((length, axis) => length <= (event.shape[axis] ?? 0));
        cells.resize(event.shape);
        break;
      }
      case "state":
        this.state = event.state;
        break;
      case "end":
        this.end = { reason: event.reason, evidence: event.evidence, complete: event.complete };
        break;
    }
    this.#moveTo(event);
    const merged = event.type === "patch" || event.type === "extent" ? event.seq_from : undefined;
    this.window.append({
      type: event.type,
      seq_from: merged ?? event.seq,
      seq: event.seq,
      mergeable,
      at: this.env.monotonic(),
      text: JSON.stringify(event),
    });
    this.wake();
  }

  /** Everything anew, as another agent's stream tells it; whoever follows gets it as a snapshot, too. */
  replace(snapshot: Omit<SnapshotEvent, "patches">): void {
    this.#restructure(snapshot);
    this.state = snapshot.state;
    this.#moveTo(snapshot);
  }

  /** Cells of a snapshot, before anybody is told of it by `wake`. */
  fill(block: Block): void {
    this.#write(block, this.valuesOf(block));
  }

  /** Values of a block that fits the structure. @throws SyncError `live_change_invalid` */
  valuesOf(block: Block): CellData {
    const { facts, cells } = this.variable(block.var);
    checkAxes(block.var, block.shape, cells.shape);
    checkAxes(block.var, block.offset, cells.shape);
    try {
      return dataOf(block, facts.dtype);
    } catch (cause) {
      throw invalid(String(cause), cause);
    }
  }

  /** What is known now; `end` of a session that is over still follows it. */
  snapshot(): Snapshot {
    const { source, backend, dataset_uuid } = this.facts;
    return new Snapshot({
      type: "snapshot",
      session: this.id,
      epoch: this.epoch,
      seq: this.end ? this.seq - 1 : this.seq,
      t: this.env.now(),
      dataset_uuid,
      source,
      backend,
      ...this.#head,
      variables: [...this.#variables.values()].map(({ facts, cells }) => ({
        ...facts,
        shape: [...cells.shape],
      })),
      state: this.state,
    }, (name) => this.variable(name).cells.freeze());
  }

  wake(): void {
    for (const subscriber of this.subscribers) subscriber.wake();
  }

  /** Forgets everything; whoever follows is let go. */
  close(): void {
    for (const subscriber of [...this.subscribers]) subscriber.cancel();
    for (const { cells } of this.#variables.values()) cells.drop();
    this.#variables.clear();
    this.window.clear();
  }

  private variable(name: string): VariableState {
    const found = this.#variables.get(name);
    if (!found) throw invalid(`the session has no variable "${name}"`);
    return found;
  }

  #restructure({ name, attrs, variables }: Structure): void {
    if (new Set(variables.map((v) => v.name)).size < variables.length) {
      throw invalid("two variables have the same name");
    }
    for (const { cells } of this.#variables.values()) cells.drop();
    this.#variables.clear();
    this.window.clear();
    this.state = "running";
    this.end = undefined;
    this.#head = { name, attrs };
    this.facts = { ...this.facts, name };
    for (const facts of variables) {
      this.#variables.set(facts.name, {
        facts,
        cells: new VariableCells(this.pool, facts.dtype, facts.shape),
      });
    }
  }

  #write(block: Block, data: CellData): void {
    const { cells } = this.variable(block.var);
    if (sizeOf(block.shape) === 0) return;
    if (!cells.holds(block)) {
      cells.resize(cells.shape.map((length, axis) => Math.max(length, end(block, axis))));
    }
    cells.write(block, data);
  }

  #moveTo({ epoch, seq, t }: { epoch: string; seq: number; t: number }): void {
    this.epoch = epoch;
    this.seq = seq;
    this.updated = t;
  }
}

function checkAxes(name: string, given: readonly number[], known: readonly number[]): void {
  if (given.length === known.length && given.every((n) => Number.isSafeInteger(n) && n >= 0)) return;
  throw invalid(`variable "${name}" has ${known.length} axes, a change of it says [${given}]`);
}

function invalid(message: string, cause?: unknown): SyncError {
  return new SyncError("internal", "live_change_invalid", message, {
    cause,
    hint: "The measurement itself is not touched; it is synchronized as a whole after its end.",
  });
}
