/**
 * Our side of the export benchmark: reads every run of a QCoDeS database into netCDF files.
 *
 * usage: deno run -A qcodes_convert.ts DATABASE; prints {"seconds", "peak_mib", "runs"}
 */
import backend from "../../backends/qcodes/mod.ts";

const [database] = Deno.args;
if (!database) throw new Error("usage: qcodes_convert.ts DATABASE");
const config = { database_path: database, set_up: "bench" };
const folder = Deno.makeTempDirSync();
const start = performance.now();
let runs = 0;
let since: unknown;
for (let more = true; more;) {
  const page = await backend.discover(config, since);
  ({ cursor: since, more } = page);
  for (const item of page.items) {
    const staging = Deno.makeTempDirSync({ dir: folder });
    const result = await backend.read(config, { identifier: item.identifier, path: "" }, {
      staging,
      version: "bench",
      converters: [],
      timeZone: "UTC",
      newest: false,
      now: Date.now(),
    });
    if (!("draft" in result) || result.draft.files.length !== 1) throw new Error(JSON.stringify(result));
    runs++;
  }
}
const seconds = (performance.now() - start) / 1000;
Deno.removeSync(folder, { recursive: true });
const peak = /VmHWM:\s*(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "0";
console.log(JSON.stringify({ seconds, peak_mib: Number(peak) / 1024, runs }));
