/** The core-tools fixtures on a PostgreSQL server; prints how to reach it, and ends with its standard input. */
import { CoreToolsLab } from "../../backends/core_tools/testing.ts";

await using lab = await CoreToolsLab.start();
console.log(JSON.stringify(lab.config));
for await (const _ of Deno.stdin.readable);
