import { basename, join } from "node:path";
import { assertEquals } from "../../../tests/assert.ts";
import { DATA, LABBER, logsBelow, MORE, tempFolder } from "../testing.ts";
import { LogSession } from "./log_session.ts";
import { differences, follow } from "./testing.ts";

/** Not a log that can be read. */
const BROKEN = new Set(["empty_live.hdf5", "truncated.hdf5"]);

Deno.test("what is told of every fixture log is what its last log becomes", async () => {
  await using temp = await tempFolder();
  let logs = 0;
  for (const root of [LABBER, MORE].map((path) => join(path, DATA))) {
    for (const identifier of logsBelow(root)) {
      const path = join(root, identifier);
      if (BROKEN.has(basename(path))) continue;
      const context = { temp: temp.path, timeZone: "Europe/Amsterdam", now: Date.now };
      const session = new LogSession({ identifier, path }, context, "fridge");
      try {
        const replay = await follow(session);
        const log = String(replay.structure.attrs.log);
        assertEquals(await differences(replay, path, log, temp.path), [], identifier);
        replay.assertWrittenOnce();
        logs++;
      } finally {
        session.close();
      }
    }
  }
  assertEquals(logs > 30, true, `${logs} logs`);
});
