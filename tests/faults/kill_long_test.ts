/** `once` is killed at random moments while data arrive; then everything must be there exactly once (L22, L23). */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { REPOSITORY } from "../../src/cli/test_cli.ts";
import { Workspace } from "../agent_process.ts";
import { assert } from "../assert.ts";
import { ChangingLab } from "./changing_lab.ts";
import { assertLabOnce } from "./lab_check.ts";
import { Random } from "./prng.ts";
import { untilNoneIsLeft } from "./processes.ts";

/** Each round begins with nothing synchronized, so that all of its kills meet work. */
const ROUNDS = 4;
const KILLS_PER_ROUND = 25;

interface Tally {
  kills: number;
  /** The process was still there. */
  alive: number;
  /** An item was being run. */
  insideItem: number;
  groups: number;
}

Deno.test({
  name: `kill -9 at ${ROUNDS * KILLS_PER_ROUND} random moments`,
  ignore: Deno.build.os !== "linux",
  fn: async (t) => {
    const tally: Tally = { kills: 0, alive: 0, insideItem: 0, groups: 0 };
    for (let round = 1; round <= ROUNDS; round++) {
      await t.step(`seed ${round}`, () => playRound(new Random(round), tally));
    }
    console.log(
      `${tally.kills} kills (${tally.groups} of the whole process group): ${tally.alive} hit a living agent, ` +
        `${tally.insideItem} while an item was being run`,
    );
    assert(tally.insideItem > tally.kills / 4, "most kills missed the work");
  },
});

async function playRound(random: Random, tally: Tally): Promise<void> {
  await using w = await Workspace.make();
  const lab = await ChangingLab.setUp(w.root, random);
  // The sources are made without being looked at.
  for (const source of lab.sources()) {
    const [, backend = "", ...settings] = source;
    await w.json("source", "add", backend, "--backend", backend, ...settings);
  }
  // What one kill leaves to do is at most what a whole run takes; this follows as the machine does.
  let duration = 2500;
  for (let n = 0; n < KILLS_PER_ROUND; n++) {
    if (n > 0) await lab.change();
    const started = Date.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "main.ts", "once", "--json"],
      cwd: REPOSITORY,
      env: { ETIKET_SYNC_HOME: w.home, NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    const delay = 300 + random.next() * duration;
    const ended = await Promise.race([
      child.status.then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), delay)),
    ]);
    tally.kills++;
    if (ended) {
      duration = Math.max(500, 0.8 * (Date.now() - started));
      continue;
    }
    const whole = random.below(2) === 0;
    Deno.kill(whole ? -child.pid : child.pid, "SIGKILL");
    const status = await child.status;
    if (status.signal === "SIGKILL") tally.alive++;
    if (whole) tally.groups++;
    await untilNoneIsLeft(w.home);
    if (runningItems(w.home) > 0) tally.insideItem++;
  }
  await w.once();
  await assertLabOnce(w, lab);
}

/** Items that the killed run left in the middle. */
function runningItems(home: string): number {
  const db = new DatabaseSync(join(home, "catalog.db"), { timeout: 5000 });
  try {
    return Number(db.prepare("SELECT count(*) AS n FROM items WHERE state = 'running'").get()?.n);
  } finally {
    db.close();
  }
}
