/**
 * Child process of the live test of QCoDeS: goes on with a run, in transactions of random size with pauses of PAUSE ms,
 * and completes it. Row 2k + 1 holds `y`, row 2k + 2 `z` of point k; where it was killed, it goes on.
 *
 * usage: qcodes_live_writer.ts PATH RUN TABLE ROWS SEED PAUSE
 */
import { DatabaseSync } from "node:sqlite";
import { Random } from "./prng.ts";
import { measuredValue } from "./qcodes_live_values.ts";

const [path = "", run = "", table = "", rows = "", seed = "", pause = ""] = Deno.args;
const random = new Random(Number(seed));
const db = new DatabaseSync(path, { timeout: 60_000 });
db.exec("PRAGMA synchronous = OFF");
let last = Number(db.prepare(`SELECT ifnull(max(id), 0) AS last FROM "${table}"`).get()?.last);
const [y, z] = ["y", "z"].map((name) => db.prepare(`INSERT INTO "${table}" (x, "${name}") VALUES (?, ?)`));
while (last < Number(rows)) {
  db.exec("BEGIN IMMEDIATE");
  const end = Math.min(Number(rows), last + 1 + random.below(random.pick([3, 300, 3000])));
  for (; last < end; last++) {
    const point = Math.floor(last / 2);
    (last % 2 === 0 ? y : z)?.run(point, measuredValue(point, last % 2));
  }
  db.exec("COMMIT");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(pause));
}
db.prepare("UPDATE runs SET is_completed = 1 WHERE run_id = ?").run(Number(run));
