/** Runs a converter as a reader process does, in folders of its own. */
import { basename, extname, join } from "node:path";
import type { Converter } from "../src/kit/define_converter.ts";

export interface Conversion {
  /** Path of the output. */
  output: string;
  /** What the converter logged. */
  logged: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** The output is removed by `await using`; when the converter throws, everything is removed at once. */
export async function convert(converter: Converter, input: string): Promise<Conversion> {
  const root = await Deno.makeTempDir({ prefix: "convert_" });
  const remove = () => Deno.remove(root, { recursive: true });
  const logged: string[] = [];
  const [temp, outputDir] = [join(root, "temp"), join(root, "out")];
  await Deno.mkdir(temp);
  await Deno.mkdir(outputDir);
  try {
    const output = await converter.convert(input, outputDir, {
      temp,
      options: {},
      outputName: `${basename(input, extname(input))}.${converter.output}`,
      log: (message) => logged.push(message),
    });
    return { output, logged, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Copies a folder with all it holds. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyFolder(source, target);
    else await Deno.copyFile(source, target);
  }
}

/** Flips one to three bits at places that a seed decides. */
export function flipBits(bytes: Uint8Array, seed: number): Uint8Array {
  const copy = bytes.slice();
  let x = (seed + 1) * 0x9e3779b1 | 0;
  const next = () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  for (let n = 1 + next() % 3; n > 0; n--) {
    const at = next() % copy.length;
    copy[at] = (copy[at] ?? 0) ^ (1 << next() % 8);
  }
  return copy;
}
