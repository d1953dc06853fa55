/**
 * Runs histories: `deno run -A tests/simulator/run.ts --seeds 1-2000 [--verbose]`, or each story with each of its operations
 * failing: `--exhaustive [--story TEXT] [--fault NAME]`. Prints what failed; with `--verbose` also how it came to that.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { CatalogShelf } from "./catalog.ts";
import { failEach, KINDS, STORIES } from "./exhaustive.ts";
import { randomHistory } from "./history.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1-200" },
    verbose: { type: "boolean", default: false },
    exhaustive: { type: "boolean", default: false },
    story: { type: "string", default: "" },
    fault: { type: "string", default: "" },
    step: { type: "string", default: "1" },
    first: { type: "string", default: "1" },
  },
});
const shelf = new CatalogShelf();
const failed = await (values.exhaustive ? runStories() : runSeeds()).finally(() => shelf.dispose());
if (failed > 0) Deno.exitCode = 1;

async function runSeeds(): Promise<number> {
  const [first = 1, last = first] = values.seeds.split("-").map(Number);
  const faults = new Map<string, number>();
  let failed = 0;
  let operations = 0;
  for (let seed = first; seed <= last; seed++) {
    const result = await randomHistory(seed, shelf);
    operations += result.operations;
    for (const [fault, n] of Object.entries(result.faults)) faults.set(fault, (faults.get(fault) ?? 0) + n);
    const isFailed = result.problems.length > 0;
    if (values.verbose && (isFailed || first === last)) console.log(result.trace.join("\n"));
    if (!isFailed) continue;
    failed++;
    console.log(`seed ${seed}:\n${result.problems.map((p) => `  ${p}`).join("\n")}`);
  }
  const seeds = last - first + 1;
  console.log(`${seeds} seeds, ${failed} failed`);
  console.log(`${operations} operations, ${(cpuMs() / seeds).toFixed(1)} ms CPU a seed`);
  console.log(`faults: ${[...faults].map(([name, n]) => `${name} ${n}`).sort().join(", ")}`);
  return failed;
}

async function runStories(): Promise<number> {
  let failed = 0;
  let runs = 0;
  for (const [name, story] of Object.entries(STORIES).filter(([name]) => name.includes(values.story))) {
    for (const fault of KINDS.filter((k) => k.includes(values.fault))) {
      const told = await failEach(shelf, story, fault, Number(values.step), Number(values.first));
      runs += told.runs;
      failed += told.failures.length;
      console.log(`${name}, ${fault}: ${told.runs} runs, ${told.failures.length} failed`);
      for (const { nth, problems, trace } of told.failures) {
        if (values.verbose) console.log(trace.join("\n"));
        console.log(`  operation ${nth}:\n${problems.map((p) => `    ${p}`).join("\n")}`);
      }
    }
  }
  console.log(`${runs} runs, ${failed} failed, ${(cpuMs() / runs).toFixed(1)} ms CPU a run`);
  return failed;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
