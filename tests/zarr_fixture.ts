/** Unpacks the Zarr stores that tests/python/make_zarr_cases.py made with zarr-python. */
import { join } from "node:path";
import { z } from "zod";

const ARCHIVE = new URL("./fixtures/zarr/cases.tar.gz", import.meta.url);

export interface ZarrFixture {
  /** Path of `<case>.zarr`. */
  store(name: string): string;
  /** Path of the truth that xarray wrote of a case. */
  netcdf(name: string): string;
  /** What zarr-python reads of a case. */
  truth(name: string): z.infer<typeof Truth>;
  [Symbol.asyncDispose](): Promise<void>;
}

const Truth = z.array(z.object({
  path: z.string(),
  dtype: z.string(),
  shape: z.array(z.number()),
  /** Integers as text, complex as [re, im], NaN and infinities as text. */
  values: z.array(z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()]))])),
}));

/** Removed again by `await using`. */
export async function unpackZarrCases(): Promise<ZarrFixture> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "zarr_" }));
  const tar = new Deno.Command("tar", { args: ["-xzf", "-", "-C", root], stdin: "piped", stderr: "piped" })
    .spawn();
  const writer = tar.stdin.getWriter();
  await writer.write(await Deno.readFile(ARCHIVE));
  await writer.close();
  const { success, stderr } = await tar.output();
  if (!success) throw new Error(`tar: ${new TextDecoder().decode(stderr)}`);
  return {
    store: (name) => join(root, `${name}.zarr`),
    netcdf: (name) => join(root, "truth", `${name}.nc`),
    truth: (name) => Truth.parse(JSON.parse(Deno.readTextFileSync(join(root, "truth", `${name}.json`)))),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** Values as the truth writes them. */
export function asTruth(
  values: ArrayLike<unknown>,
  complex: boolean,
): z.infer<typeof Truth>[number]["values"] {
  const plain = Array.from(values, (value) => {
    if (typeof value === "bigint") return String(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    return String(value);
  });
  return complex ? plain.filter((_, i) => i % 2 === 0).map((re, i) => [re, plain[2 * i + 1] ?? ""]) : plain;
}
