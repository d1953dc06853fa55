/** Unpacks the folder fixture: trees `level_any`, `level_1`, `level_2` with their times and links. */
import { join } from "node:path";
import { z } from "zod";

const FIXTURES = new URL("./fixtures/folderbase/", import.meta.url);

export interface FolderbaseFixture {
  /** Folder that holds `level_any`, `level_1` and `level_2`. */
  root: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Removed again by `await using`. `big/five_mb.bin` is filled here, with bytes that are the same at every call. */
export async function unpackFolderbase(): Promise<FolderbaseFixture> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "folderbase_" }));
  const archive = new URL("folderbase.tar.gz", FIXTURES);
  const tar = await new Deno.Command("tar", {
    args: ["-xpzf", "-", "-C", root],
    stdin: "piped",
    stderr: "piped",
  }).spawn();
  const writer = tar.stdin.getWriter();
  await writer.write(await Deno.readFile(archive));
  await writer.close();
  const { success, stderr } = await tar.output();
  if (!success) throw new Error(`tar: ${new TextDecoder().decode(stderr)}`);

  const big = join(root, "level_any", "big");
  const before = await Deno.stat(big);
  await Deno.writeFile(join(big, "five_mb.bin"), pseudoRandomBytes(5_000_000));
  const time = new Date(1719835241_000);
  await Deno.utime(join(big, "five_mb.bin"), time, time);
  await Deno.utime(big, before.atime ?? time, before.mtime ?? time);
  return { root, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

/** Bytes of a xorshift generator with a fixed seed: incompressible, and equal on every machine. */
export function pseudoRandomBytes(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer, 0, length);
}

const Facts = z.array(z.object({
  root: z.string(),
  dataset: z.string(),
  expect: z.array(z.string()).optional(),
  converted: z.array(z.string()).optional(),
  error: z.string().optional(),
  files_on_disk: z.array(
    z.object({ path: z.string(), size: z.number(), md5: z.string(), mtime: z.number() }),
  ),
  links: z.record(z.string(), z.string()),
}));

/** What the trees hold and what has to come out of them. `big/five_mb.bin` has another md5 here. */
export async function folderbaseFacts(): Promise<z.infer<typeof Facts>> {
  return Facts.parse(JSON.parse(await Deno.readTextFile(new URL("expected/facts.json", FIXTURES))));
}
