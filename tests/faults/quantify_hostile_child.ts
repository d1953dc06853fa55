/**
 * Child process of the hostile-input test: reads the containers `20241105/*` below ROOT whose names are given, and prints
 * one JSON line for each when it begins and when it ends. It is killed from outside when the library hangs.
 *
 * usage: quantify_hostile_child.ts ROOT NAME…
 */
import { join } from "node:path";
import { SyncError } from "../../src/kit/errors.ts";
import { readContainer } from "../../backends/quantify/testing.ts";

const [root = "", ...names] = Deno.args;

async function outcomeOf(name: string): Promise<string> {
  // Kept: what the library stumbled over must not give its place on the disk to the next copy.
  const staging = join(root, "..", `staging-${name}`);
  await Deno.mkdir(staging);
  try {
    const draft = await readContainer(root, `20241105/${name}`, staging);
    return draft.problems?.[0]?.code ??
      (draft.logs?.some((l) => l.code === "not_netcdf") ? "as it is" : "converted");
  } catch (e) {
    return e instanceof SyncError ? `${e.class} ${e.code}` : `bug: ${e instanceof Error ? e.stack : e}`;
  }
}

for (const name of names) {
  console.log(JSON.stringify({ name }));
  console.log(JSON.stringify({ name, outcome: await outcomeOf(name) }));
}
