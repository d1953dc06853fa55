/** For tests: an agent whose reader spins for ever. Prints the pid of the reader, then waits for its own end. */
import { createReaderPool } from "../pool.ts";
import { readMisbehaving } from "./tasks.ts";

const pool = createReaderPool({ max: 1, load: [new URL("./misbehaving.ts", import.meta.url).href] });
const { attributes } = await readMisbehaving(pool, "pid");
const spinning = readMisbehaving(pool, Deno.args[0] ?? "spin");
console.log(attributes.pid);
await spinning;
