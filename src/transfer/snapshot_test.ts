import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { assert, assertEquals, assertRejects, assertThrows } from "../../tests/assert.ts";
import { type Env, systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { hashFile } from "./hash.ts";
import { takeSnapshot } from "./snapshot.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function code(work: () => Promise<unknown>): Promise<string> {
  const e = await assertRejects(work);
  assert(e instanceof SyncError && e.hint !== "", `${e}`);
  return `${e.class} ${e.code}`;
}

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function bytesOf(chunks: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const c of chunks) parts.push(c.slice());
  return await new Blob(parts).bytes();
}

Deno.test("both hashes of a file in one pass, empty files too", () =>
  inFolder(async (folder) => {
    for (const size of [0, 1, 1024 * 1024, 2_500_001]) {
      const bytes = new Uint8Array(size).map((_, i) => i * 7);
      await Deno.writeFile(`${folder}/f`, bytes);
      assertEquals(await hashFile(Deno, `${folder}/f`), { size, md5: md5(bytes), sha256: sha256(bytes) });
    }
    const empty = "d41d8cd98f00b204e9800998ecf8427e";
    await Deno.writeFile(`${folder}/f`, new Uint8Array());
    assertEquals((await hashFile(Deno, `${folder}/f`)).md5, empty);
  }));

Deno.test("a fingerprint holds size, time and identity: a file put in place of another one is another file", () =>
  inFolder(async (folder) => {
    const path = `${folder}/f`;
    await Deno.writeTextFile(path, "abc");
    const first = fingerprintOf(path);
    assertEquals(first.size, 3);
    assert(/^\d{16,20}$/.test(first.mtime_ns), first.mtime_ns);
    Deno.utimeSync(path, 1_700_000_000, 1_700_000_000.123);
    assertEquals(fingerprintOf(path).mtime_ns, "1700000000123000000");
    await Deno.writeTextFile(`${folder}/g`, "abc");
    await Deno.rename(`${folder}/g`, path);
    assert(fingerprintOf(path).file_id !== first.file_id);
  }));

Deno.test("a small file is copied and hashed; the copy keeps its bytes whatever happens to the file", () =>
  inFolder(async (folder) => {
    const bytes = new Uint8Array(1_500_000).map((_, i) => i >> 4);
    await Deno.writeFile(`${folder}/f`, bytes);
    const before = fingerprintOf(`${folder}/f`);
    {
      await using s = await takeSnapshot({ path: `${folder}/f`, env: systemEnv, copyTo: `${folder}/copy` });
      await Deno.writeTextFile(`${folder}/f`, "something else");
      assertEquals(s.fingerprint, before);
      assertEquals(await s.hashes(), { md5: md5(bytes), sha256: sha256(bytes) });
      for (let pass = 0; pass < 2; pass++) assertEquals(md5(await bytesOf(s.chunks())), md5(bytes));
      s.check();
    }
    assertEquals([...Deno.readDirSync(folder)].map((e) => e.name), ["f"]);
  }));

Deno.test("a very small file is held in memory: no copy, no path; a file at the limit is copied", () =>
  inFolder(async (folder) => {
    const path = `${folder}/f`;
    const take = (local: boolean) =>
      takeSnapshot({ path, env: systemEnv, copyTo: () => `${folder}/copy`, memoryLimit: 1000, local });
    for (const [size, local] of [[0, false], [0, true], [999, false], [999, true]] as const) {
      const bytes = new Uint8Array(size).map((_, i) => i * 3);
      await Deno.writeFile(path, bytes);
      await using s = await take(local);
      await Deno.writeTextFile(path, "something else");
      s.check();
      assertEquals([s.size, s.isCopy], [size, true]);
      assertEquals(await s.hashes(), { md5: md5(bytes), sha256: sha256(bytes) });
      for (let pass = 0; pass < 2; pass++) assertEquals(await bytesOf(s.chunks()), bytes);
      assertEquals([...Deno.readDirSync(folder)].map((e) => e.name), ["f"]);
      assertThrows(() => s.path);
    }
    await Deno.writeFile(path, new Uint8Array(1000));
    await using s = await take(true);
    assertEquals(s.path, `${folder}/copy`);
    await Deno.remove(path);
    assertEquals(await code(() => take(true)), "busy file_vanished");
  }));

Deno.test("a large file is read in place, hashed by its first pass, and refused once it has changed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/f`;
    const bytes = new Uint8Array(5_000_000).map((_, i) => i >> 3);
    await Deno.writeFile(path, bytes);
    const options = { path, env: systemEnv, copyTo: `${folder}/copy`, copyLimit: 1_000_000 };
    const s = await takeSnapshot(options);
    assertEquals([s.isCopy, s.knownHashes, s.path], [false, null, path]);
    assertEquals(md5(await bytesOf(s.chunks())), md5(bytes));
    assertEquals(s.knownHashes, { md5: md5(bytes), sha256: sha256(bytes) });

    // Written to in the middle of a pass: the last chunk never comes.
    let seen = 0;
    assertEquals(
      await code(async () => {
        for await (const c of s.chunks()) {
          seen += c.length;
          if (seen === c.length) await Deno.writeTextFile(path, "x", { append: true });
        }
      }),
      "busy file_changing",
    );
    assert(seen < bytes.length, `${seen} bytes came`);
    assertEquals(await code(() => s.hashes().then(() => s.check())), "busy file_changing");
    await Deno.remove(path);
    assertEquals(await code(() => bytesOf(s.chunks())), "busy file_vanished");
  }));

Deno.test("a file written to just now is left to rest, so that a write with the same time stamp is noticed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/f`;
    const slept: number[] = [];
    const take = (whileResting: () => void) => {
      const sleep = (ms: number) => {
        slept.push(ms);
        whileResting();
        return Promise.resolve();
      };
      return takeSnapshot({ path, env: { ...systemEnv, sleep }, copyTo: `${folder}/${crypto.randomUUID()}` });
    };
    await Deno.writeTextFile(path, "abc");
    await take(() => {});
    assert(slept.length === 1 && (slept[0] ?? 0) > 0, `${slept}`);
    await Deno.writeTextFile(path, "abd");
    assertEquals(await code(() => take(() => Deno.writeTextFileSync(path, "abde"))), "busy file_changing");
    slept.length = 0;
    Deno.utimeSync(path, 1_700_000_000, 1_700_000_000.5);
    await take(() => {});
    assertEquals(slept, []);
  }));

Deno.test("hashes of an earlier pass are reused for the same fingerprint only (F6)", () =>
  inFolder(async (folder) => {
    const path = `${folder}/f`;
    await Deno.writeTextFile(path, "0123456789");
    const hashes = { md5: "from the catalog", sha256: "from the catalog" };
    const known = { fingerprint: fingerprintOf(path), hashes };
    const options = { path, env: systemEnv, copyTo: `${folder}/copy`, copyLimit: 1, known };
    assertEquals((await takeSnapshot(options)).knownHashes, hashes);
    await Deno.writeTextFile(path, "0123456789");
    assertEquals((await takeSnapshot(options)).knownHashes, null);
  }));

Deno.test("what cannot be read says why: gone, a link, a folder, no permission, no place for the copy", () =>
  inFolder(async (folder) => {
    const take = (name: string, copyTo = `${folder}/copy`) =>
      code(() => takeSnapshot({ path: `${folder}/${name}`, env: systemEnv, copyTo }));
    assertEquals(await take("nothing"), "busy file_vanished");
    await Deno.writeTextFile(`${folder}/f`, "abc");
    symlinkSync(`${folder}/f`, `${folder}/link`);
    assertEquals(await take("link"), "data not_a_regular_file");
    mkdirSync(`${folder}/sub`);
    assertEquals(await take("sub"), "data not_a_regular_file");
    assertEquals(await take("f", `${folder}/sub`), "local staging_failed");
    assertEquals(await take("f", `${folder}/no such folder/copy`), "local staging_failed");
    const failing = (name: string, message: string) => ({
      ...systemEnv,
      fs: {
        ...Deno,
        open: (path: string | URL, options?: Deno.OpenOptions) =>
          options?.read
            ? Promise.reject(Object.assign(new Error(message), { name }))
            : Deno.open(path, options),
      },
    });
    const withFailure = (name: string, message: string) =>
      code(() =>
        takeSnapshot({ path: `${folder}/f`, env: failing(name, message), copyTo: `${folder}/copy` })
      );
    assertEquals(
      await withFailure("PermissionDenied", "Permission denied (os error 13)"),
      "data file_unreadable",
    );
    assertEquals(
      await withFailure("Error", "The process cannot access the file … (os error 32)"),
      "busy file_locked",
    );
    assertEquals(
      await withFailure("Error", "No space left on device (os error 28)"),
      "local disk_full",
    );
    assertEquals(
      await withFailure("Error", "Too many open files (os error 24)"),
      "local too_many_open_files",
    );
  }));

/**
 * Writes files over and over, front to back: block by block the same byte, one higher each round. Whatever state a
 * file is in, it is `new … new old … old` with old + 1 = new.
 */
const WRITER = `
  const [folder, files, blocks] = [Deno.args[0], Number(Deno.args[1]), Number(Deno.args[2])];
  const block = new Uint8Array(16384);
  const rounds = new Array(files).fill(0);
  const pause = (ms) => new Promise((r) => setTimeout(r, ms));
  await Promise.all(rounds.map(async (_, i) => {
    const f = await Deno.open(folder + "/" + i, { write: true });
    while (true) {
      rounds[i] = (rounds[i] + 1) % 250;
      f.seekSync(0, 0);
      for (let b = 0; b < blocks; b++) {
        block.fill(rounds[i]);
        f.writeSync(block);
        if (Math.random() < 0.02) await pause(Math.random() * 3);
      }
      await pause(Math.random() * 220);
    }
  }));
`;

function isOneState(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  const older = (first + 249) % 250;
  let at = bytes.findIndex((b) => b !== first);
  if (at < 0) return true;
  for (; at < bytes.length; at++) if (bytes[at] !== older) return false;
  return true;
}

/** The real disk, read slowly and in small pieces, so that writers get in between. */
const slowReads: Env = {
  ...systemEnv,
  fs: {
    ...Deno,
    open: async (path, options) => {
      const file = await Deno.open(path, options);
      if (!options?.read) return file;
      return new Proxy(file, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (key !== "read") return typeof value === "function" ? value.bind(target) : value;
          return async (buffer: Uint8Array) => {
            if (Math.random() < 0.5) await systemEnv.sleep(Math.random() * 4);
            return await target.read(buffer.subarray(0, 32768));
          };
        },
      });
    },
  },
};

Deno.test("a snapshot of a file that is being written to is one state of it, or refused (U1)", () =>
  inFolder(async (folder) => {
    const [files, blocks, races] = [16, 32, Number(Deno.env.get("SNAPSHOT_RACES") ?? 200)];
    for (let i = 0; i < files; i++) await Deno.writeFile(`${folder}/${i}`, new Uint8Array(blocks * 16384));
    await Deno.writeTextFile(`${folder}/writer.js`, WRITER);
    const writer = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${folder}/writer.js`, folder, String(files), String(blocks)],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let [taken, refused, mixed, left] = [0, 0, 0, races];
    const racer = async (i: number) => {
      while (left-- > 0) {
        const path = `${folder}/${i}`;
        // In turn as a large file, copied, in memory, and in memory read at once.
        const kind = left % 4;
        try {
          await using s = await takeSnapshot({
            path,
            env: slowReads,
            copyTo: `${path}.copy`,
            copyLimit: kind === 0 ? 1 : undefined,
            memoryLimit: kind >= 2 ? 1e6 : 0,
            local: kind === 3,
          });
          if (!isOneState(await bytesOf(s.chunks()))) mixed++;
          taken++;
        } catch (e) {
          assert(e instanceof SyncError && e.code === "file_changing", `${e}`);
          refused++;
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: files }, (_, i) => racer(i)));
    } finally {
      writer.kill("SIGKILL");
      await writer.status;
    }
    if (Deno.env.has("SNAPSHOT_RACES")) console.log({ taken, refused, mixed });
    assertEquals(mixed, 0);
    assert(taken > 0 && refused > 0, `no race took place: ${taken} taken, ${refused} refused`);
  }));
