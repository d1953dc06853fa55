/**
 * QCoDeS runs to netCDF: this agent against QCoDeS' own export, both as child processes, in turns, on the same
 * databases; then our memory at 1e5, 1e6 and 1e7 points.
 *
 * usage: ETIKET_BENCH_PYTHON=/path/to/python deno run -A tests/bench/qcodes_export.ts [rounds]
 * The Python needs qcodes, h5netcdf and cf_xarray. Peak memory is VmHWM of the process (Linux).
 */
import process from "node:process";
import { join } from "node:path";
import { z } from "zod";

const python = process.env.ETIKET_BENCH_PYTHON;
if (!python) {
  console.error("skipped: set ETIKET_BENCH_PYTHON to a Python that has qcodes, h5netcdf and cf_xarray");
  Deno.exit(0);
}
const rounds = Number(Deno.args[0] ?? 3);
const script = new URL("qcodes_export.py", import.meta.url).pathname;
const ours = new URL("qcodes_convert.ts", import.meta.url).pathname;
const folder = Deno.makeTempDirSync({ prefix: "bench-qcodes-" });

const Measured = z.object({ seconds: z.number(), peak_mib: z.number(), runs: z.number() });
type Measured = z.infer<typeof Measured>;

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, env: { HOME: folder } })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
}

const made = new Set<string>();

/** Makes a database when it is first asked for. @returns its path */
async function database(name: string): Promise<string> {
  if (!made.has(name)) await run(python as string, [script, "make", folder, name]);
  made.add(name);
  return join(folder, `${name}.db`);
}

async function measureOurs(path: string): Promise<Measured> {
  return Measured.parse(JSON.parse(await run(Deno.execPath(), ["run", "-A", "--no-check", ours, path])));
}

async function measureQcodes(path: string): Promise<Measured> {
  const out = Deno.makeTempDirSync({ dir: folder });
  try {
    return Measured.parse(JSON.parse(await run(python as string, [script, "export", path, out])));
  } finally {
    Deno.removeSync(out, { recursive: true });
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

try {
  for (const name of ["1-D 1e6", "2-D 1000x1000", "200 small runs"]) {
    const path = await database(name);
    const a: Measured[] = [], b: Measured[] = [];
    for (let round = 0; round < rounds; round++) {
      a.push(await measureOurs(path));
      b.push(await measureQcodes(path));
    }
    if (a[0]?.runs !== b[0]?.runs) throw new Error(`${name}: ${a[0]?.runs} runs against ${b[0]?.runs}`);
    const [own, other] = [median(a.map((m) => m.seconds)), median(b.map((m) => m.seconds))];
    const peak = (list: Measured[]) => Math.max(...list.map((m) => m.peak_mib)).toFixed(0);
    console.log(
      `${name.padEnd(16)} ours ${own.toFixed(2)} s, ${peak(a)} MiB   QCoDeS ${other.toFixed(2)} s, ${
        peak(b)
      } MiB   ` +
        `${(other / own).toFixed(1)} x`,
    );
  }
  for (const name of ["1-D 1e5", "1-D 1e6", "1-D 1e7"]) {
    const path = await database(name);
    const { seconds, peak_mib } = await measureOurs(path);
    console.log(`${name.padEnd(16)} ours ${seconds.toFixed(2)} s, peak ${peak_mib.toFixed(0)} MiB`);
  }
} finally {
  Deno.removeSync(folder, { recursive: true });
}
