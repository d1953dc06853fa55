/** 200 damaged logs are read in reader processes, as the agent does; each ends with a draft or a reason. */
import { basename, dirname, join } from "node:path";
import { assert, assertEquals } from "../assert.ts";
import { flipBits } from "../convert.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { createReaderPool } from "../../src/readers/pool.ts";
import { DATA, LABBER, LATER, logsBelow, MORE, tempFolder } from "../../backends/labber/testing.ts";

const COPIES = 200;

Deno.test("damaged logs end with a draft or a reason", async () => {
  await using temp = await tempFolder();
  const sources = [LABBER, MORE].flatMap((root) =>
    logsBelow(join(root, DATA)).map((path) => join(root, DATA, path))
  ).filter((path) => Deno.statSync(path).size > 20_000);
  const pool = createReaderPool();
  const counts: Record<string, number> = {};
  const count = (what: string) => counts[what] = (counts[what] ?? 0) + 1;
  const root = join(temp.path, "data");
  const read = async (n: number) => {
    const source = sources[n % sources.length] ?? "";
    const identifier = `2024/06/Data_0601/${n}_${basename(source)}`;
    const path = join(root, identifier);
    const staging = join(temp.path, "staging", String(n));
    for (const folder of [dirname(path), staging]) await Deno.mkdir(folder, { recursive: true });
    const bytes = flipBits(await Deno.readFile(source), n);
    await Deno.writeFile(path, bytes);
    try {
      const result = await pool.run("read", {
        backend: "etiket_sync_agent_labber",
        config: { labber_directory: root, set_up: "x", is_server_folder: false, time_zone: "UTC" },
        item: { identifier, path },
        context: {
          staging,
          version: "0",
          converters: [],
          timeZone: "UTC",
          newest: false,
          now: LATER,
        },
      }, { deadlineMs: 20_000 });
      assert("draft" in result);
      const [original] = result.draft.files;
      assertEquals(await Deno.readFile(original?.path ?? ""), bytes, "the original is uploaded as it is");
      if (!result.draft.problems?.length) count("read");
      for (const { code } of result.draft.problems ?? []) count(code);
    } catch (e) {
      assert(e instanceof SyncError, String(e));
      assert(
        !["internal_error", "reader_exception"].includes(e.code),
        `${identifier}: ${e.message} ${e.stack}`,
      );
      count(e.code);
    }
    await Deno.remove(staging, { recursive: true });
    await Deno.remove(path);
  };
  try {
    const numbers = Array.from({ length: COPIES }, (_, n) => n).values();
    const work = async () => {
      for (const n of numbers) await read(n);
    };
    await Promise.all([work(), work()]);
  } finally {
    await pool.close();
  }
  console.log(counts);
  assert((counts.read ?? 0) > 0 && (counts.unreadable_hdf5 ?? 0) > 0, "the damage changes nothing");
});
