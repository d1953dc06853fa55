/** A file that is rewritten all the time is read as one of its generations, or not at all. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "../assert.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { copyPrivately } from "../../src/kit/private_copy.ts";
import { readContainer, tempFolder, TUID, withContainer } from "../../backends/quantify/testing.ts";

const READS = 1000;

Deno.test("1,000 reads of a file that is rewritten every 50 ms: no mixture of generations", async () => {
  await withContainer(`${TUID}-live`, {}, async ({ root, relative, folder }) => {
    await using kept = await tempFolder();
    await using writer = await startWriter(join(folder, "dataset.hdf5"));
    const outcomes = { read: 0, busy: 0 };
    const generations = new Set<number>();
    for (let i = 0; i < READS; i++) {
      const staging = await Deno.makeTempDir({ dir: kept.path });
      try {
        const draft = await readContainer(root, relative, staging, { now: Date.now() });
        assertEquals([draft.files.length, draft.problems], [1, []]);
        generations.add(await generationOf(draft.files[0]?.path ?? ""));
        outcomes.read++;
        await Deno.remove(staging, { recursive: true });
      } catch (e) {
        if (!(e instanceof SyncError && e.class === "busy")) throw e;
        // What the library stumbled over stays until the end, as in a reader process, which would end here.
        outcomes.busy++;
      }
    }
    console.log({ ...outcomes, generations: generations.size, written: await writer.stop() });
    assert(outcomes.read > READS / 10 && generations.size > 10, "the file could hardly ever be read");
  });
});

Deno.test("copies of a large file that is overwritten over and over are of one generation, too", async () => {
  await using temp = await tempFolder();
  const path = join(temp.path, "dataset.hdf5");
  await using _writer = await startWriter(path, "--overwrite");
  const outcomes = { copied: 0, busy: 0 };
  for (let i = 0; i < 30; i++) {
    try {
      const copy = await copyPrivately(path, join(temp.path, "copy"));
      const words = new Float64Array((await Deno.readFile(copy.path)).buffer);
      assertEquals(words.findIndex((word) => word !== words[0]), -1, "two generations in one copy");
      outcomes.copied++;
    } catch (e) {
      if (!(e instanceof SyncError && e.class === "busy")) throw e;
      outcomes.busy++;
    }
  }
  console.log(outcomes);
  assert(outcomes.busy > 0, "the writer never got in between");
});

/** The one number that all values of the file are. */
async function generationOf(path: string): Promise<number> {
  const { variables, groups } = await netcdfContent(path);
  const values = new Set(Object.values(variables).flatMap((v) => v.values));
  values.add(groups[""]?.generation);
  assertEquals(Object.keys(variables).sort(), ["x0", "y0", "y1", "y2"]);
  assertEquals(values.size, 1, `generations ${[...values]} in one file`);
  return Number([...values][0]);
}

async function startWriter(path: string, ...options: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("./torn_read_writer.ts", import.meta.url)), path, ...options],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await output.read()).value?.trim(), "ready");
  let stopped: Promise<string> | undefined;
  const stop = () =>
    stopped ??= (async () => {
      await child.stdin.close();
      let text = "";
      for (let part = await output.read(); !part.done; part = await output.read()) text += part.value;
      await child.status;
      return text.trim();
    })();
  return { stop, [Symbol.asyncDispose]: async () => void await stop() };
}
