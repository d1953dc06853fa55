/**
 * Runs histories: `deno run -A tests/simulator/run.ts --seeds 1-2000 [--verbose]`. Prints what failed, and the traces of
 * failed histories when there is one seed only or `--verbose` is given.
 */
import { parseArgs } from "node:util";
import { CatalogShelf } from "./catalog.ts";
import { randomHistory } from "./history.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "1-200" }, verbose: { type: "boolean", default: false } },
});
const [first = 1, last = first] = values.seeds.split("-").map(Number);
const shelf = new CatalogShelf();
const started = performance.now();
const faults = new Map<string, number>();
let failed = 0;
let operations = 0;
try {
  for (let seed = first; seed <= last; seed++) {
    const result = await randomHistory(seed, shelf);
    operations += result.operations;
    for (const [fault, n] of Object.entries(result.faults)) faults.set(fault, (faults.get(fault) ?? 0) + n);
    if (values.verbose && first === last) console.log(result.trace.join("\n"));
    if (result.problems.length === 0) continue;
    failed++;
    console.log(`seed ${seed}:\n${result.problems.map((p) => `  ${p}`).join("\n")}`);
    if (values.verbose && first !== last) console.log(result.trace.join("\n"));
  }
} finally {
  shelf.dispose();
}
const seconds = (performance.now() - started) / 1000;
const seeds = last - first + 1;
console.log(`${seeds} seeds, ${failed} failed`);
console.log(`${operations} operations, ${(seconds * 1000 / seeds).toFixed(1)} ms a seed`);
console.log(`faults: ${[...faults].map(([name, n]) => `${name} ${n}`).sort().join(", ")}`);
if (failed > 0) Deno.exitCode = 1;
