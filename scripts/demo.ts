/**
 * `deno task demo`: the whole job on real sample data, in a state folder of its own. Every step is the command that a
 * user would type, run as a user would run it.
 */
import { join } from "node:path";

const checkout = new URL("..", import.meta.url).pathname;
const place = Deno.makeTempDirSync({ prefix: "etiket-sync-demo-" });
const home = join(place, "state");
const data = join(place, "lab data");

/** Runs one command with its output on the terminal; a failing one ends the demo. */
async function run(why: string, ...args: string[]): Promise<void> {
  console.log(`\n# ${why}\n$ etiket-sync ${args.map((a) => /[\s"]/.test(a) ? `"${a}"` : a).join(" ")}`);
  const { success, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(checkout, "main.ts"), ...args],
    env: { ETIKET_SYNC_HOME: home, ETIKET_SYNC_NATIVE: "off" },
    stdin: "null",
  }).output().then((o) => {
    Deno.stdout.writeSync(o.stdout);
    Deno.stderr.writeSync(o.stderr);
    return o;
  });
  if (!success) {
    console.error(`The command ended with code ${code}.`);
    Deno.exit(code);
  }
}

/** The first dataset the platform lists for a search, as the demo's example. */
async function findDataset(query: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(checkout, "main.ts"), "dataset", "list", "--query", query, "--json"],
    env: { ETIKET_SYNC_HOME: home, ETIKET_SYNC_NATIVE: "off" },
  }).output();
  const found: unknown = JSON.parse(new TextDecoder().decode(stdout));
  const first = Array.isArray(found) ? found[0] : undefined;
  if (typeof first?.uuid !== "string") {
    throw new Error(`the demo's dataset "${query}" is not on the platform`);
  }
  return first.uuid;
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const e of Deno.readDirSync(from)) {
    if (e.isDirectory) copyFolder(join(from, e.name), join(to, e.name));
    else Deno.copyFileSync(join(from, e.name), join(to, e.name));
  }
}

console.log(`Sample data is copied to ${data}: a QCoDeS database and a folder of measurements.`);
copyFolder(join(checkout, "demo", "measurements"), join(data, "measurements"));
Deno.copyFileSync(join(checkout, "tests/fixtures/qcodes/experiments.db"), join(data, "experiments.db"));
copyFolder(join(checkout, "tests/fixtures/qcodes/qcodes_data"), join(data, "qcodes_data"));

await run(
  "Tell it where QCoDeS keeps its runs.",
  ...["source", "add", "fridge", "--backend", "qcodes", "--scope", "default"],
  ...["--set", `database_path=${join(data, "experiments.db")}`, "--set", "set_up=fridge-1"],
);
await run(
  "Tell it where the folder of measurements is.",
  ...["source", "add", "notebook folder", "--backend", "folderbase", "--scope", "default"],
  ...["--set", `root_directory=${join(data, "measurements")}`, "--set", "is_server_folder=false"],
);
await run("Sync everything: find, convert to HDF5/netCDF, upload, verify.", "once");
await run("A second run has nothing to do.", "once");
await run("What is on the platform now.", "dataset", "list");
await run(
  "One dataset: the CSV file, and the HDF5 file that was made of it.",
  "dataset",
  "show",
  await findDataset("Resonator"),
);
await run("Read everything back and compare it with what was sent.", "verify");
const sweep = await findDataset("Resonator");
await run(
  "Take one dataset home again; the .hdf5 opens in xarray.",
  "dataset",
  "download",
  sweep,
  "--to",
  join(place, "download"),
);

console.log(`
Everything is in ${place}: sample data, the agent's state with the embedded platform, and the download.
Try next:
  export ETIKET_SYNC_HOME="${home}"
  npx --yes deno@2.9.6 task --quiet etiket-sync why "${
  join(data, "measurements", "resonator sweep", "files", "data.csv")
}"
  npx --yes deno@2.9.6 task --quiet etiket-sync doctor
and delete the folder when you are done: rm -r "${place}"`);
