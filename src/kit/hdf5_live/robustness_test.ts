/** Files with flipped bits and cut-off ends are read, or refused with a reason; never without bound. */
import { assert, assertEquals } from "../../../tests/assert.ts";
import { SyncError } from "../errors.ts";
import { HDF5_FIXTURES, inTempDir, randomNumbers } from "../hdf5/testing.ts";
import { openHdf5Live } from "./open.ts";
import type { LiveHdf5Dataset, LiveHdf5File } from "./types.ts";

const COPIES = 400;
const SEED = 20261125;
/** No look at such small files may need more. */
const MOST_BYTES = 64 * 1024 * 1024;

Deno.test("damaged files end with a reason, and cost no more than sound ones", async () => {
  await inTempDir((folder) => {
    const random = randomNumbers(SEED), path = `${folder}/damaged.h5`;
    const names = [...Deno.readDirSync(HDF5_FIXTURES)].map((entry) => entry.name)
      .filter((name) => /\.(h5|nc)$/.test(name) && Deno.statSync(HDF5_FIXTURES + name).size > 0).toSorted();
    const results: Record<string, number> = {};
    for (let i = 0; i < COPIES; i++) {
      const bytes = damaged(Deno.readFileSync(HDF5_FIXTURES + names[i % names.length]), random);
      Deno.writeFileSync(path, bytes);
      // A file that was written long ago is not taken for one that is being written.
      Deno.utimeSync(path, 1, 1);
      const result = readEverything(path, names[i % names.length] ?? "");
      results[result] = (results[result] ?? 0) + 1;
    }
    assert((results.read ?? 0) > 0 && (results.hdf5_corrupt ?? 0) > 0, JSON.stringify(results));
    return Promise.resolve();
  });
});

Deno.test("a broken file that was written just now may be in the middle of a write", async () => {
  await inTempDir((folder) => {
    const path = `${folder}/torn.h5`, bytes = Deno.readFileSync(HDF5_FIXTURES + "scales.h5");
    Deno.writeFileSync(path, bytes.subarray(0, 2000));
    assertEquals(readEverything(path, "scales.h5"), "hdf5_torn");
    return Promise.resolve();
  });
});

function damaged(bytes: Uint8Array, random: () => number): Uint8Array {
  const place = (n: number) => Math.floor(random() * n);
  if (random() < 0.1) return bytes.subarray(0, place(bytes.length));
  // Most structures stand near the begin; all ones are sizes and addresses without end.
  for (let flip = 1 + place(6); flip > 0; flip--) {
    const at = place(random() < 0.5 ? Math.min(2048, bytes.length) : bytes.length);
    if (random() < 0.3) bytes.fill(0xff, at, at + 4);
    else bytes[at] = place(256);
  }
  return bytes;
}

/** The code of the error that it ends with, or "read". */
function readEverything(path: string, what: string): string {
  try {
    using file = openHdf5Live(path);
    visit(file, "/", new Set());
    assert(file.bytesRead < MOST_BYTES, `${what}: ${file.bytesRead} bytes were read`);
    return "read";
  } catch (e) {
    if (e instanceof SyncError && e.code.startsWith("hdf5_")) return e.code;
    throw new Error(`${what}: ${e}`, { cause: e });
  }
}

function visit(file: LiveHdf5File, group: string, seen: Set<number>): void {
  file.attributes(group);
  for (const { path, kind, id } of file.members(group)) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (kind === "group") visit(file, path, seen);
    if (kind === "dataset") attempt(() => readDataset(file.dataset(path)));
  }
}

function readDataset(dataset: LiveHdf5Dataset): void {
  attempt(() => dataset.attributes());
  if (dataset.chunkShape) {
    attempt(() => {
      for (const chunk of dataset.chunks()) attempt(() => dataset.readChunk(chunk));
    });
  }
  dataset.read(dataset.shape.map(() => 0), dataset.shape);
}

/** One broken dataset keeps no other one from being read. */
function attempt(read: () => void): void {
  try {
    read();
  } catch (e) {
    if (!(e instanceof SyncError && (e.code.startsWith("hdf5_")))) throw e;
  }
}
