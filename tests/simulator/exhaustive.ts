/** Small stories told again and again, with the first, second, third … operation failing, until there is no such operation. */
import type { CatalogShelf } from "./catalog.ts";
import { type Fault, NO_FAULTS, OneFault } from "./faults.ts";
import { History } from "./history.ts";

/** What a story is about: quiet before it, then the part in which one operation fails. */
interface Story {
  before?(history: History): Promise<void>;
  then(history: History): Promise<void>;
}

const PLAIN_FILES = ["raw.bin", "sub/more.bin"];

export const STORIES: Record<string, Story> = {
  "a first synchronization": {
    async then({ lab }) {
      await lab.measureIn("/lab/marked", true, [...PLAIN_FILES, "data.h5"]);
    },
  },
  "a change": {
    async before({ lab }) {
      await lab.measureIn("/lab/plain", false, PLAIN_FILES);
      await lab.measureIn("/lab/marked", true, PLAIN_FILES);
    },
    async then({ lab }) {
      for (const m of lab.present) {
        await lab.writeTo(m, "raw.bin", 4);
        lab.editInfo(m);
      }
    },
  },
  "renames and moves": {
    async before({ lab }) {
      await lab.measureIn("/lab/plain", false, PLAIN_FILES);
      await lab.measureIn("/lab/marked", true, PLAIN_FILES);
    },
    then({ lab }) {
      for (const m of lab.present) lab.move(m);
      for (const m of lab.present) lab.renameFile(m);
      return Promise.resolve();
    },
  },
  "an upload in parts": {
    async then({ lab }) {
      await lab.measureIn("/lab/marked", true, ["big.dat"]);
    },
  },
  "another scope": {
    async before({ lab }) {
      await lab.measureIn("/lab/marked", true, ["raw.bin"]);
      await lab.measureIn("/lab/plain", false, ["notes.txt"]);
    },
    then(history) {
      history.changeScope();
      return Promise.resolve();
    },
  },
  "a conversion and a thumbnail": {
    async then({ lab }) {
      await lab.measureIn("/lab/marked", true, ["table.csv", "plot.png"]);
    },
  },
};

export const KINDS: readonly Fault[] = ["kill", "power_cut", "ENOSPC", "EIO", "EACCES", "cut", "reply_lost"];

/** Longer than a story takes when nothing fails, ms. */
const STORY_MS = 30_000;

export interface Told {
  runs: number;
  failures: { nth: number; problems: string[]; trace: string[] }[];
}

/** Tells a story once for each operation that the fault can happen to. @param step 1: each of them; n: every nth */
export async function failEach(
  shelf: CatalogShelf,
  story: Story,
  fault: Fault,
  step = 1,
  first = 1,
): Promise<Told> {
  const told: Told = { runs: 0, failures: [] };
  for (let nth = first;; nth += step) {
    const plan = new OneFault(fault, nth);
    const history = new History(1, shelf);
    const { problems, trace } = await history.run({
      faults: NO_FAULTS,
      async play() {
        const { clock } = history.world;
        await history.ensureServing();
        await story.before?.(history);
        await clock.sleep(STORY_MS);
        history.world.faults = plan;
        await story.then(history);
        await Promise.race([history.agent?.gone(), clock.sleep(STORY_MS)]);
      },
    });
    // The last one had nothing to fail: it tells that the story is well without.
    told.runs++;
    if (problems.length > 0) told.failures.push({ nth, problems, trace });
    if (!plan.happened) return told;
  }
}
