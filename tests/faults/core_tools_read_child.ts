/** Reads one measurement in a process of its own; prints the file, how long it took and the most memory it had. */
import { closeConnections } from "../../backends/core_tools/connection.ts";
import coreTools from "../../backends/core_tools/mod.ts";

const [config = "{}", identifier = "", staging = ""] = Deno.args;
const started = performance.now();
const result = await coreTools.read(JSON.parse(config), { identifier, path: "" }, {
  staging,
  version: "0",
  converters: [],
  timeZone: "UTC",
  newest: false,
  now: Date.now(),
});
const ms = Math.round(performance.now() - started);
const peak = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
const path = "draft" in result ? result.draft.files[0]?.path : undefined;
console.log(JSON.stringify({ path, ms, peak_mib: Math.round(Number(peak) / 1024) }));
await closeConnections();
