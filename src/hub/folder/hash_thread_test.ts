import { assertEquals, assertMatch, assertRejects } from "../../../tests/assert.ts";
import { md5, randomBytes, sha256 } from "../test_hub.ts";
import { HashThread } from "./hash_thread.ts";

const MIB = 1024 * 1024;

async function withFile(test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("files that grow are hashed up to where they are said to be complete", () =>
  withFile(async (path) => {
    const thread = new HashThread();
    const bytes = randomBytes(20 * MIB + 7);
    const [one, other] = [thread.count(path), thread.count(path)];
    await Deno.writeFile(path, bytes.subarray(0, 9 * MIB));
    one.advance(9 * MIB);
    await Deno.writeFile(path, bytes.subarray(9 * MIB), { append: true });
    const short = other.digest(3);
    one.advance(12 * MIB);
    assertEquals(await one.digest(bytes.length), { md5: md5(bytes), sha256: sha256(bytes) });
    const three = bytes.subarray(0, 3);
    assertEquals(await short, { md5: md5(three), sha256: sha256(three) });
    assertEquals(await thread.md5(path, 5 * MIB - 1, bytes.length), md5(bytes.subarray(5 * MIB - 1)));
    one.drop();
    other.drop();
    // The thread ended with its last count; a new one starts another.
    const empty = thread.count(path);
    assertEquals((await empty.digest(0)).md5, md5(new Uint8Array()));
    empty.drop();
  }));

Deno.test("a file that is missing or too short, or a count that is dropped, gives no hashes", () =>
  withFile(async (path) => {
    const thread = new HashThread();
    const counts = [thread.count(`${path}.missing`), thread.count(path), thread.count(path)];
    const [missing, short, dropped] = counts.map((count) => assertRejects(() => count.digest(5)));
    counts[2]?.drop();
    assertMatch((await missing)?.message ?? "", /NotFound/);
    assertMatch((await short)?.message ?? "", /ends at 0, before 5/);
    assertMatch((await assertRejects(() => thread.md5(path, 0, 1))).message, /ends at 0, before 1/);
    assertMatch((await dropped)?.message ?? "", /given up/);
    for (const count of counts) count.drop();
  }));
