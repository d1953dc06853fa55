/** Reads a database that is being written to: `follow_child.ts PATH LOOKS`; prints the versions that it saw, in order. */
import { followDatabase } from "../../src/kit/sqlite/follow_database.ts";
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";

const [path = "", looks = "0"] = Deno.args;
const version = (db: ReadOnlyDatabase) => Number(db.get("SELECT version FROM meta")?.version);
using follower = await followDatabase(path);
const seen: number[] = [];
while (seen.length < Number(looks)) {
  if (follower.changed()) seen.push(follower.read(version));
  if (seen.length % 10 === 0) seen.push(await withReadOnly(path, version));
  await new Promise((resume) => setTimeout(resume, 2));
}
console.log(JSON.stringify(seen));
