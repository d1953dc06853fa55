import { createHash } from "node:crypto";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { HashAlong } from "./hash_along.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

const PART = 100_000;
const SIZE = 4 * PART + 17;

async function withFile(
  test: (source: Snapshot, bytes: Uint8Array, path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/large.bin`;
    const bytes = new Uint8Array(SIZE);
    for (let at = 0; at < SIZE; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    await Deno.writeFile(path, bytes);
    await Deno.utime(path, 1_700_000_000, 1_700_000_000);
    await test(await takeSnapshot({ path, env: systemEnv, copyTo: "", copyLimit: 0 }), bytes, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const sizeOf = (number: number) => Math.min(PART, SIZE - (number - 1) * PART);
const bodyOf = (source: Snapshot, number: number) => source.part((number - 1) * PART, sizeOf(number));

/** Sends `bytes` of a part, or all of it. */
async function send(hashing: HashAlong, source: Snapshot, number: number, bytes = Infinity): Promise<void> {
  const md5 = createHash("md5");
  let sent = 0;
  for await (const chunk of hashing.along((number - 1) * PART, bodyOf(source, number)).chunks()) {
    md5.update(chunk);
    sent += chunk.length;
    if (sent >= bytes) return;
  }
  await hashing.sent({ number, md5: md5.digest("hex"), etag: "" });
}

function expected(bytes: Uint8Array) {
  const of = (algorithm: string) => createHash(algorithm).update(bytes).digest("hex");
  return { md5: of("md5"), sha256: of("sha256") };
}

Deno.test("parts in order, side by side, and sent again after a cut give the hashes of the file", () =>
  withFile(async (source, bytes) => {
    for (const order of [[1, 2, 3, 4, 5], [2, 1, 4, 3, 5], [5, 4, 3, 2, 1]]) {
      const hashing = new HashAlong(source, PART);
      for (const number of order) {
        await send(hashing, source, number, sizeOf(number) / 2);
        await send(hashing, source, number);
      }
      assertEquals(await hashing.finish(), expected(bytes));
    }
    assertEquals(source.knownHashes, expected(bytes));
    const together = new HashAlong(source, PART);
    await Promise.all([1, 2, 3, 4, 5].map((n) => send(together, source, n)));
    assertEquals(await together.finish(), expected(bytes));
  }));

Deno.test("parts that an earlier process sent count if the file still holds them", () =>
  withFile(async (source, bytes) => {
    const part = (number: number) => {
      const content = bytes.subarray((number - 1) * PART, (number - 1) * PART + sizeOf(number));
      return { number, md5: createHash("md5").update(content).digest("hex"), etag: "" };
    };
    const hashing = new HashAlong(source, PART, [part(1), part(2), part(4)]);
    const read: number[] = [];
    await hashing.catchUp(undefined, (n) => read.push(n));
    assertEquals(read, [PART, 2 * PART]);
    await send(hashing, source, 3);
    await send(hashing, source, 5);
    assertEquals(await hashing.finish(), expected(bytes));

    const other = new HashAlong(source, PART, [part(1), { ...part(2), md5: part(3).md5 }]);
    const failure = await assertRejects(() => other.catchUp());
    assert(failure instanceof SyncError && failure.code === "file_changing", `${failure}`);
  }));

Deno.test("a file of which a part is missing, or that changed, has no hashes", () =>
  withFile(async (source, bytes, path) => {
    const short = new HashAlong(source, PART);
    await send(short, source, 1);
    await assertRejects(() => short.finish());
    const hashing = new HashAlong(source, PART);
    for (const number of [1, 2, 3, 4, 5]) await send(hashing, source, number);
    await Deno.writeFile(path, bytes.with(0, 1));
    const failure = await assertRejects(() => hashing.finish());
    assert(failure instanceof SyncError && failure.code === "file_changing", `${failure}`);
    assertEquals(source.knownHashes, null);
  }));
