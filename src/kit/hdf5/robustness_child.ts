/**
 * Child process of the robustness test: for each file named in its arguments it reads everything (or inspects it), and prints one JSON
 * line when it begins and one when it ends. It is killed from outside when the library hangs.
 */
import { SyncError } from "../errors.ts";
import { inspectFile } from "./file_type.ts";
import { Hdf5Dataset, Hdf5Group } from "./objects.ts";
import { openHdf5 } from "./open.ts";
import { unreadablePart } from "./types.ts";

/** Longest that one file is read, so that a huge shape in a damaged header does not keep the test busy. */
const MOST_SLABS = 50;

async function readEverything(path: string): Promise<void> {
  using file = await openHdf5(path);
  for (const member of file.walk()) {
    if (!(member instanceof Hdf5Dataset || member instanceof Hdf5Group)) continue;
    member.attributes();
    if (member instanceof Hdf5Group || unreadablePart(member.type)) continue;
    member.scales();
    let slabs = 0;
    for (const _ of member.iterateSlabs()) if (++slabs >= MOST_SLABS) break;
  }
}

async function outcome(path: string, inspect: boolean): Promise<string> {
  try {
    if (inspect) return `inspected as ${(await inspectFile(path, "damaged.h5")).type}`;
    await readEverything(path);
    return "read";
  } catch (error) {
    return error instanceof SyncError ? error.code : `bug: ${error instanceof Error ? error.stack : error}`;
  }
}

for (const [index, path] of Deno.args.entries()) {
  console.log(JSON.stringify({ path, event: "begin" }));
  console.log(JSON.stringify({ path, event: "end", result: await outcome(path, index % 4 === 0) }));
}
