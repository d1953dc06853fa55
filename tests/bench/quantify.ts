/**
 * Quantify benchmark: containers of about 20 kB through one run of `once` (found, converted, uploaded to the embedded
 * platform, verified) and through the bare conversion, against a Python loop that does xarray load, gridding and
 * to_netcdf.
 *
 * usage: deno run -A tests/bench/quantify.ts [CONTAINERS = 5000]; Python with xarray and h5netcdf: ETIKET_BENCH_PYTHON
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import quantify from "../../backends/quantify/mod.ts";
import { residentMiB, run } from "./measure.ts";

const PATHS = {
  loop: fileURLToPath(new URL("quantify_loop.py", import.meta.url)),
  main: fileURLToPath(new URL("../../main.ts", import.meta.url)),
};
const Loop = z.object({ seconds: z.number(), peak_mib: z.number(), containers: z.number() });

const count = Number(Deno.args[0] ?? 5000);
const python = Deno.env.get("ETIKET_BENCH_PYTHON") ?? "python3";
const temp = await Deno.makeTempDir({ prefix: "bench_quantify_" });
try {
  const data = join(temp, "data");
  await run(python, [PATHS.loop, "make", data, String(count)]);

  const out = join(temp, "out");
  await Deno.mkdir(out);
  const looped = await run(python, [PATHS.loop, "convert", data, out]);
  const loop = Loop.parse(JSON.parse(looped.stdout));
  print("Python loop", loop.seconds, loop.peak_mib);
  console.log(`${"".padEnd(17)} CPU ${looped.cpu_seconds.toFixed(1)} s`);

  const bare = await convertAll(data);
  print("conversion alone", bare.seconds, bare.peak_mib, loop.seconds);

  const once = await run(Deno.execPath(), [
    ...["run", "-A", "--no-check", PATHS.main, "once", "--home", join(temp, "home"), "--quiet"],
    ...["--backend", "quantify", "--scope", "default", "--name", "bench"],
    ...["--set", `quantify_directory=${data}`, "set_up=bench"],
  ]);
  print("once", once.seconds, once.peak_mib, loop.seconds);
  console.log(`${"".padEnd(17)} CPU ${once.cpu_seconds.toFixed(1)} s, its reader processes included`);
} finally {
  await Deno.remove(temp, { recursive: true });
}

function print(what: string, seconds: number, peak: number, reference?: number): void {
  const each = (1000 * seconds / count).toFixed(2);
  const ratio = reference ? `  ${(reference / seconds).toFixed(2)} x the speed of the loop` : "";
  console.log(
    `${what.padEnd(17)} ${seconds.toFixed(1)} s  ${each} ms each  peak ${peak.toFixed(0)} MiB${ratio}`,
  );
}

/** Reads every container in this process. */
async function convertAll(root: string): Promise<{ seconds: number; peak_mib: number }> {
  const start = performance.now();
  const config = { quantify_directory: root, set_up: "bench" };
  for (const day of Deno.readDirSync(root)) {
    for (const { name } of Deno.readDirSync(join(root, day.name))) {
      const staging = Deno.makeTempDirSync({ dir: temp });
      const identifier = `${day.name}/${name}`;
      const result = await quantify.read(config, { identifier, path: join(root, identifier) }, {
        staging,
        version: "bench",
        converters: [],
        timeZone: "UTC",
        newest: false,
        now: Date.now() + 3_600_000,
      });
      if (!("draft" in result) || result.draft.problems?.length) throw new Error(JSON.stringify(result));
      Deno.removeSync(staging, { recursive: true });
    }
  }
  return { seconds: (performance.now() - start) / 1000, peak_mib: residentMiB(Deno.pid) };
}
