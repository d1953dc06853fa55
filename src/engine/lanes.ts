/** Which item starts next: lanes share starts, sources take turns (behaviour 2.4). */
import type { ItemRow, Lane } from "../catalog/item_rows.ts";
import type { Services } from "./services.ts";

/** Starts in a round of the three lanes: 4 new, 2 back-fill, 1 retry (L11). */
const ROUND: readonly Lane[] = ["new", "backfill", "new", "retry", "new", "backfill", "new"];

/** Work done for one source so far. */
interface Work {
  bytes: number;
  items: number;
}

export class Lanes {
  #turn = 0;
  readonly #work = new Map<number, Work>();

  constructor(private readonly s: Pick<Services, "catalog" | "env">) {}

  /**
   * The next item among the given sources, or undefined when none is due.
   * @param busy sources that have an item running: they wait while others have one due
   * @param except items not to start now
   */
  next(
    sources: readonly number[],
    busy: ReadonlySet<number>,
    except: readonly number[],
  ): ItemRow | undefined {
    const byLeastWork = [...sources].sort((a, b) => this.#compare(a, b));
    const turns = [...byLeastWork.filter((id) => !busy.has(id)), ...byLeastWork.filter((id) => busy.has(id))];
    const find = (lane: Lane | "asked") => {
      for (const id of turns) {
        const item = this.s.catalog.queue.nextDue(id, lane, this.s.env.now(), except);
        if (item) return item;
      }
      return undefined;
    };
    const asked = find("asked");
    if (asked) return asked;
    // A lane that has nothing leaves its start to the next one in the round.
    for (let i = 0; i < ROUND.length; i++) {
      const lane = ROUND[(this.#turn + i) % ROUND.length] ?? "new";
      const item = find(lane);
      if (item) {
        this.#turn = (this.#turn + i + 1) % ROUND.length;
        return item;
      }
    }
    return undefined;
  }

  /** Counts work against a source, so that the others get their turn. */
  done(source: number, bytes: number): void {
    const w = this.#work.get(source) ?? { bytes: 0, items: 0 };
    this.#work.set(source, { bytes: w.bytes + bytes, items: w.items + 1 });
  }

  #compare(a: number, b: number): number {
    const [x, y] = [this.#work.get(a), this.#work.get(b)];
    return (x?.bytes ?? 0) - (y?.bytes ?? 0) || (x?.items ?? 0) - (y?.items ?? 0) || a - b;
  }
}
