/** Which item starts next: lanes share starts, sources take turns (behaviour 2.4). */
import type { ItemRow, Lane } from "../catalog/item_rows.ts";
import type { Services } from "./services.ts";

/** Starts in a round of the three lanes: 4 new, 2 back-fill, 1 retry (L11). */
const ROUND: readonly Lane[] = ["new", "backfill", "new", "retry", "new", "backfill", "new"];

/** Work done for one source so far. */
interface Work {
  bytes: number;
  items: number;
  /** Number of the start at which it had its last turn. */
  turn: number;
}

export class Lanes {
  #turn = 0;
  #starts = 0;
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
    const inOrder = this.#inOrder(sources);
    const turns = [...inOrder.filter((id) => !busy.has(id)), ...inOrder.filter((id) => busy.has(id))];
    const find = (lane: Lane | "asked") => {
      for (const id of turns) {
        const item = this.s.catalog.queue.nextDue(id, lane, this.s.env.now(), except);
        if (item) {
          this.#workOf(id).turn = ++this.#starts;
          return item;
        }
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
    const work = this.#workOf(source);
    work.bytes += bytes;
    work.items++;
  }

  /**
   * Least work first; but whoever had no turn for as many starts as there are sources comes before, longest first: so
   * each of S sources has one of any 2·S starts, whatever it did in the past (L12).
   */
  #inOrder(sources: readonly number[]): number[] {
    const overdue = (id: number) => Math.max(0, this.#starts - this.#workOf(id).turn - sources.length + 1);
    return [...sources].sort((a, b) => {
      const [x, y] = [this.#workOf(a), this.#workOf(b)];
      return overdue(b) - overdue(a) || x.bytes - y.bytes || x.items - y.items || a - b;
    });
  }

  #workOf(source: number): Work {
    let work = this.#work.get(source);
    if (!work) this.#work.set(source, work = { bytes: 0, items: 0, turn: this.#starts });
    return work;
  }
}
