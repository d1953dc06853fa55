import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { openSecretStore } from "./sealed_files.ts";

const SECRET = "correct horse battery staple ü";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "secrets_" });
  try {
    await test(join(root, "secrets"));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const open = (folder: string) => openSecretStore(folder, { keys: "file" });
const names = (folder: string, end: string) =>
  [...Deno.readDirSync(folder)].map((e) => e.name).filter((name) => name.endsWith(end)).sort();
const codeOf = async (call: Promise<unknown>) => {
  const error = await assertRejects(() => call);
  return error instanceof SyncError ? error.code : error.message;
};

Deno.test("a secret comes back in another process' store, and is in no file in clear", () =>
  inFolder(async (folder) => {
    await open(folder).put("token", SECRET);
    await open(folder).put("other", SECRET);
    assertEquals(await open(folder).get("token"), SECRET);
    const files = [...Deno.readDirSync(folder)].map((e) => Deno.readTextFileSync(join(folder, e.name)));
    assertEquals(files.length, 3, "two secrets and one key");
    for (const text of files) {
      assert(!text.includes("horse") && !text.includes(btoa("correct horse")));
    }
    const [a, b] = names(folder, ".sealed").map((name) => Deno.readTextFileSync(join(folder, name)));
    assert(a !== b, "equal secrets cannot be told to be equal");
  }));

Deno.test("only the user can read the folder, keys and secrets", async () => {
  if (Deno.build.os === "windows") return;
  await inFolder(async (folder) => {
    await open(folder).put("token", SECRET);
    assertEquals((await Deno.stat(folder)).mode! & 0o777, 0o700);
    for (const { name } of Deno.readDirSync(folder)) {
      assertEquals((await Deno.stat(join(folder, name))).mode! & 0o777, 0o600, name);
    }
  });
});

Deno.test("a value is replaced, and forgotten", () =>
  inFolder(async (folder) => {
    const store = open(folder);
    await store.put("token", "old");
    await store.put("token", "");
    assertEquals(await store.get("token"), "");
    await store.delete("token");
    await store.delete("token");
    assertEquals(await codeOf(store.get("token")), "secret_lost");
    assertEquals(names(folder, ".sealed"), []);
  }));

Deno.test("a lost key is told, and a new one is made for what is entered again", () =>
  inFolder(async (folder) => {
    await open(folder).put("token", SECRET);
    for (const key of names(folder, ".key")) await Deno.remove(join(folder, key));
    assertEquals(await codeOf(open(folder).get("token")), "secret_lost");
    await open(folder).put("token", SECRET);
    assertEquals(await open(folder).get("token"), SECRET);
  }));

Deno.test("a damaged key, a changed file and a file under another name do not open", () =>
  inFolder(async (folder) => {
    await open(folder).put("token", SECRET);
    const file = join(folder, "token.sealed");
    const before = await Deno.readTextFile(file);
    await Deno.copyFile(file, join(folder, "other.sealed"));
    assertEquals(await codeOf(open(folder).get("other")), "secret_lost");
    const { sealed, ...rest } = JSON.parse(before);
    const bytes = Uint8Array.fromBase64(sealed);
    bytes[0]! ^= 1;
    await Deno.writeTextFile(file, JSON.stringify({ ...rest, sealed: bytes.toBase64() }));
    assertEquals(await codeOf(open(folder).get("token")), "secret_lost");
    await Deno.writeTextFile(file, before.slice(0, 20));
    assertEquals(await codeOf(open(folder).get("token")), "secret_lost");
    await Deno.writeTextFile(file, before);
    assertEquals(await open(folder).get("token"), SECRET);
    for (const key of names(folder, ".key")) await Deno.writeTextFile(join(folder, key), "{");
    assertEquals(await codeOf(open(folder).get("token")), "secret_lost");
  }));

Deno.test("stores that begin at the same time keep what each was given", () =>
  inFolder(async (folder) => {
    const ids = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(ids.map((id) => open(folder).put(id, `secret of ${id}`)));
    assertEquals(
      await Promise.all(ids.map((id) => open(folder).get(id))),
      ids.map((id) => `secret of ${id}`),
    );
  }));
