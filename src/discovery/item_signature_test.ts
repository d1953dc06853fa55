import { assert, assertEquals, assertNotEquals } from "../../tests/assert.ts";
import { digestFile, digestSteps } from "./item_digest.ts";
import { signFile, signFolder } from "./item_signature.ts";
import { finish } from "./item_walk.ts";

const HOUR_MS = 3_600_000;

function withFolder(work: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${folder}/d/sub`, { recursive: true });
    for (const name of ["a.txt", "b.txt", "sub/c.txt"]) write(`${folder}/d/${name}`, name);
    Deno.symlinkSync("a.txt", `${folder}/d/link.txt`);
    work(`${folder}/d`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function write(path: string, text: string): void {
  Deno.writeTextFileSync(path, text);
}

/** As if looked at an hour later, when nothing that was just written could still hide a change. */
const sign = (path: string, now = Date.now() + HOUR_MS) => finish(signFolder(path, false, now)).signature;

Deno.test("a signature is the same whether it was made in passing by a digest or by itself", () =>
  withFolder((folder) => {
    const now = Date.now() + HOUR_MS;
    const digest = finish(digestSteps(folder, { nestedDatasets: false }, now));
    assert(digest.signature !== 0 && Number.isSafeInteger(digest.signature));
    assertEquals(sign(folder, now), digest.signature);
    assertEquals(signFile(`${folder}/a.txt`, now), digestFile(`${folder}/a.txt`, now).signature);
  }));

Deno.test("every change that a digest tells changes the signature: content, times, names, links, replaced files", () =>
  withFolder((folder) => {
    let last = sign(folder);
    assertEquals(sign(folder), last, "nothing");
    const changes = (what: string, change: () => void) => {
      change();
      const now = sign(folder);
      assertNotEquals(now, last, what);
      last = now;
    };
    const old = new Date(Date.now() - HOUR_MS);
    changes("mtime set back", () => Deno.utimeSync(`${folder}/a.txt`, old, old));
    changes("size", () => write(`${folder}/b.txt`, "longer than before"));
    changes("rename", () => Deno.renameSync(`${folder}/b.txt`, `${folder}/z.txt`));
    changes("moved into a folder", () => Deno.renameSync(`${folder}/z.txt`, `${folder}/sub/z.txt`));
    changes("replaced by an equal file of equal age", () => {
      write(`${folder}/new`, "a.txt");
      Deno.utimeSync(`${folder}/new`, old, old);
      Deno.renameSync(`${folder}/new`, `${folder}/a.txt`);
    });
    changes("removed", () => Deno.removeSync(`${folder}/sub/c.txt`));
    changes("dangling link", () => Deno.removeSync(`${folder}/a.txt`));
  }));

Deno.test("what changed just now gets no signature: it could change again without a trace", () =>
  withFolder((folder) => {
    assertEquals(sign(folder, Date.now()), 0);
    assertEquals(signFile(`${folder}/a.txt`, Date.now()), 0);
  }));

Deno.test("two names with their files exchanged are not the same", () =>
  withFolder((folder) => {
    const before = sign(folder);
    Deno.renameSync(`${folder}/a.txt`, `${folder}/x`);
    Deno.renameSync(`${folder}/b.txt`, `${folder}/a.txt`);
    Deno.renameSync(`${folder}/x`, `${folder}/b.txt`);
    assertNotEquals(sign(folder), before);
  }));
