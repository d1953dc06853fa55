/**
 * `serve` is killed at random moments, and started again, while data arrive all the time; then everything must be there
 * exactly once (L22, L23). SERVE_KILLS=1000 makes a long campaign of it.
 */
import { Workspace } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { ChangingLab } from "./changing_lab.ts";
import { sourcesToml } from "./every_source.ts";
import { assertLabOnce } from "./lab_check.ts";
import { Random } from "./prng.ts";
import { itemStates, ServingAgent } from "./serving_agent.ts";

const KILLS = Number(Deno.env.get("SERVE_KILLS") ?? 160);
const FIRST_SEED = Number(Deno.env.get("FIRST_SEED") ?? 1);
/** State folders at once. */
const LANES = 2;
/** Each round begins with nothing synchronized, so that all of its kills meet work. */
const KILLS_PER_ROUND = 20;
const ROUNDS = Math.ceil(KILLS / KILLS_PER_ROUND);

interface Tally {
  kills: number;
  groups: number;
  /** An item was being run. */
  insideItem: number;
  /** Before the first item was started. */
  early: number;
}

Deno.test({
  name: `serve, killed at ${ROUNDS * KILLS_PER_ROUND} random moments`,
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const tally: Tally = { kills: 0, groups: 0, insideItem: 0, early: 0 };
    let next = 0;
    const lane = async () => {
      while (next < ROUNDS) {
        const seed = FIRST_SEED + next++;
        try {
          await playRound(new Random(seed), tally);
        } catch (cause) {
          next = ROUNDS;
          throw new Error(`seed ${seed}`, { cause });
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    console.log(
      `${tally.kills} kills (${tally.groups} of the whole process group): ${tally.insideItem} while an item was being ` +
        `run, ${tally.early} before anything was begun`,
    );
    assert(tally.insideItem > tally.kills / 4, "most kills missed the work");
  },
});

async function playRound(random: Random, tally: Tally): Promise<void> {
  await using w = await Workspace.make();
  const lab = await ChangingLab.setUp(w.root, random);
  await Deno.mkdir(w.home);
  await Deno.writeTextFile(`${w.home}/config.toml`, sourcesToml(lab.settings()));
  // Time from the start of the process to its first item; it follows as the machine does.
  let startUp = 1000;
  for (let n = 0; n < KILLS_PER_ROUND; n++) {
    if (n % 5 === 1) await lab.large();
    await using agent = ServingAgent.start(w.home);
    const life = startUp * 0.5 + random.next() * Math.max(1200, startUp);
    const begun = await changeWhile(lab, random, w.home, life);
    startUp = begun === undefined ? Math.min(10_000, 1.2 * startUp) : 0.5 * startUp + 0.5 * begun;
    const whole = random.below(2) === 0;
    await agent.kill(whole);
    tally.kills++;
    if (whole) tally.groups++;
    if ((itemStates(w.home).get("running") ?? 0) > 0) tally.insideItem++;
    if (begun === undefined) tally.early++;
  }
  await catchUp(w, lab);
  await assertLabOnce(w, lab);
}

/** The lab goes on changing for some time. @returns ms until an item was seen running */
async function changeWhile(
  lab: ChangingLab,
  random: Random,
  home: string,
  ms: number,
): Promise<number | undefined> {
  const start = Date.now();
  let begun: number | undefined;
  for (let left = ms; left > 0; left = ms - (Date.now() - start)) {
    if (random.below(3) === 0) await lab.change();
    if (itemStates(home).has("running")) begun ??= Date.now() - start;
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 50 + random.below(200))));
  }
  return begun;
}

/** The agent is left alone until it has done everything, with what changes while it runs. */
async function catchUp(w: Workspace, lab: ChangingLab): Promise<void> {
  await using agent = ServingAgent.start(w.home);
  const areAll = (...states: string[]) => [...itemStates(w.home).keys()].every((s) => states.includes(s));
  const allDone = () => areAll("done", "not_started");
  const doneOrLive = () => areAll("done", "not_started", "live");
  await agent.until("everything is done or followed", doneOrLive, () => [...itemStates(w.home)]);
  // Who follows it sees its end.
  if (itemStates(w.home).has("live")) lab.completeRun();
  await agent.until("everything is done", allDone, () => [...itemStates(w.home)]);
  const before = itemStates(w.home).get("done") ?? 0;
  await lab.measure();
  const more = () => (itemStates(w.home).get("done") ?? 0) > before && allDone();
  await agent.until("a last dataset is done, too", more, () => [...itemStates(w.home)]);
  assertEquals(await agent.stop(), 0);
}
