/**
 * The last events of a session's epoch, for subscribers that come back or lag. Older blocks of all sessions together
 * wait in private files once they are more than the memory for them allows.
 */
import { join } from "node:path";
import type { LiveEventType } from "./live_event.ts";

export interface WindowLimits {
  events: number;
  bytes: number;
}

/** How far back a subscriber may come back without a snapshot. */
export const WINDOW: WindowLimits = { events: 10_000, bytes: 64 * 1024 * 1024 };

/** A block is this part of the window. */
const BLOCKS = 64;

export interface LoggedEvent {
  type: LiveEventType;
  /** The first event that is in it; only of merged patches another one than `seq`. */
  seq_from: number;
  seq: number;
  /** Patches and growing extents may be merged with others. */
  mergeable: boolean;
  /** When it was told, on a clock that never jumps, ms. */
  at: number;
  /** The event as JSON. */
  text: string;
}

interface Block {
  /** Undefined while it is in its file. */
  events: LoggedEvent[] | undefined;
  file: string | undefined;
  count: number;
  size: number;
  seq_from: number;
  seq: number;
}

/** Memory for the events of all sessions. */
export class ReplayMemory {
  /** Full blocks in memory, the oldest first. */
  readonly #resident = new Set<Block>();
  #size = 0;
  #failed = false;

  /**
   * @param folder for the private files; without one everything stays in memory
   * @param budget bytes that may stay in memory
   */
  constructor(private readonly folder: string | undefined, private readonly budget: number) {}

  /** A block is full: from now on it may be in a file. */
  add(block: Block): void {
    this.#resident.add(block);
    this.#size += block.size;
    while (this.folder !== undefined && this.#size > this.budget && !this.#failed) {
      const [oldest] = this.#resident;
      if (!oldest) return;
      this.#failed = !this.#save(oldest, this.folder);
    }
  }

  forget(block: Block): void {
    if (this.#resident.delete(block)) this.#size -= block.size;
    if (block.file !== undefined) remove(block.file);
  }

  #save(block: Block, folder: string): boolean {
    const file = join(folder, `events-${crypto.randomUUID()}`);
    try {
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
      const text = (block.events ?? []).map((event) => JSON.stringify(event)).join("\n");
      Deno.writeTextFileSync(file, text, { createNew: true, mode: 0o600 });
    } catch {
      // The disk is full: the rest stays in memory.
      remove(file);
      return false;
    }
    block.file = file;
    block.events = undefined;
    this.#resident.delete(block);
    this.#size -= block.size;
    return true;
  }
}

function remove(file: string): void {
  try {
    Deno.removeSync(file);
  } catch {
    // The folder is emptied at the next start.
  }
}

export class ReplayWindow {
  readonly #blocks: Block[] = [];
  /** Of the block that was read last from a file. */
  #read: { block: Block; events: LoggedEvent[] } | undefined;
  #count = 0;
  #size = 0;

  constructor(
    private readonly memory: ReplayMemory,
    private readonly limits: WindowLimits,
  ) {}

  append(event: LoggedEvent): void {
    let block = this.#blocks.at(-1);
    const { events, bytes } = this.limits;
    if (!block || block.count >= events / BLOCKS || block.size >= bytes / BLOCKS) {
      if (block) this.memory.add(block);
      block = { events: [], file: undefined, count: 0, size: 0, seq_from: event.seq_from, seq: event.seq };
      this.#blocks.push(block);
    }
    block.events?.push(event);
    block.count++;
    block.size += event.text.length;
    block.seq = event.seq;
    this.#count++;
    this.#size += event.text.length;
    this.#evict();
  }

  /** The first event after `seq`; undefined when there is none, or the window no longer reaches back to it. */
  after(seq: number): LoggedEvent | undefined {
    const found = this.#find(seq);
    return found && this.#events(found.block)[found.index];
  }

  /** Events after `seq`; none when the window no longer reaches back to it. */
  *from(seq: number): Generator<LoggedEvent> {
    const found = this.#find(seq);
    if (!found) return;
    let { index } = found;
    for (const block of this.#blocks.slice(this.#blocks.indexOf(found.block))) {
      yield* this.#events(block).slice(index);
      index = 0;
    }
  }

  /** About how many bytes come after `seq`; whole blocks are counted. */
  bytesAfter(seq: number): number {
    let size = 0;
    for (let i = this.#blocks.length - 1; i >= 0; i--) {
      const block = this.#blocks[i];
      if (!block || block.seq <= seq) break;
      size += block.size;
    }
    return size;
  }

  clear(): void {
    for (const block of this.#blocks) this.memory.forget(block);
    this.#blocks.length = 0;
    this.#read = undefined;
    this.#count = this.#size = 0;
  }

  #find(seq: number): { block: Block; index: number } | undefined {
    const [first] = this.#blocks;
    if (!first || first.seq_from > seq + 1) return undefined;
    const block = this.#blocks[lowest(this.#blocks, (b) => b.seq > seq)];
    return block && { block, index: lowest(this.#events(block), (e) => e.seq > seq) };
  }

  #events(block: Block): LoggedEvent[] {
    if (block.events) return block.events;
    if (this.#read?.block !== block) {
      const lines = Deno.readTextFileSync(block.file ?? "").split("\n");
      this.#read = { block, events: lines.map((line): LoggedEvent => JSON.parse(line)) };
    }
    return this.#read.events;
  }

  /** Whole blocks go, the last one never does. */
  #evict(): void {
    for (;;) {
      const [oldest] = this.#blocks;
      if (!oldest || this.#blocks.length === 1) return;
      const enough = this.#count - oldest.count >= this.limits.events ||
        this.#size - oldest.size >= this.limits.bytes;
      if (!enough) return;
      this.#blocks.shift();
      this.memory.forget(oldest);
      this.#count -= oldest.count;
      this.#size -= oldest.size;
    }
  }
}

/** Index of the first element that fits, of a list in which all later ones fit too; its length when none does. */
function lowest<T>(list: readonly T[], fits: (element: T) => boolean): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const element = list[middle];
    if (element !== undefined && fits(element)) to = middle;
    else from = middle + 1;
  }
  return from;
}
