/**
 * A process for the kill and sharing tests: uploads files to a hub in a loop and prints, line by line, what the hub has
 * confirmed as secured: `<file uuid> <version> <md5>`.
 * Arguments: folder of the hub, number of files (0 = for ever).
 */
import { randomBytes } from "node:crypto";
import { md5, TestHub } from "./test_hub.ts";

const [directory = "", count = "0"] = Deno.args;
const hub = await TestHub.open(directory);
const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
say("ready");

async function uploadOne(dataset: string, n: number): Promise<void> {
  const bytes = new Uint8Array(randomBytes(1 + Math.floor(Math.random() * 130_000)));
  const key = await hub.file(dataset, bytes.length, { name: `file ${n}`, immutable: n % 2 === 0 });
  const link = await hub.uploadLink(key);
  // A first upload of other bytes, which the second replaces.
  const [first, second] = [bytes.slice().reverse(), bytes];
  await (await hub.put(link, first)).body?.cancel();
  await (await hub.put(link, second)).body?.cancel();
  const reply = await hub.validate(key, md5(bytes));
  if (reply.status !== 202) throw new Error(`validate: ${reply.status} ${JSON.stringify(reply.body)}`);
  say(`${key.uuid} ${key.version_id} ${md5(bytes)}`);
}

const total = Number(count) || Infinity;
for (let n = 0; n < total; n += 4) {
  const dataset = await hub.dataset({ name: `of process ${Deno.pid}` });
  await Promise.all([0, 1, 2, 3].map((i) => uploadOne(dataset, n + i)));
}
await hub.close();
