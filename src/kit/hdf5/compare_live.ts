/**
 * Whether what was followed live is what was synchronized. A converted file has other dimensions than the stream, such as
 * a grid in place of rows, so that of each measured variable those facts are compared that do not depend on order: how
 * many values it has that are not NaN, and the least and greatest of them.
 */
import type { Hdf5Values } from "./decode.ts";
import { Hdf5Dataset } from "./objects.ts";
import { openHdf5 } from "./open.ts";

interface Facts {
  count: number;
  least: number;
  greatest: number;
}

/** Marks measured variables in a live file. */
const MEASURED = "_param_index";
/** Variables with this suffix hold the real part of a complex one. */
const REAL = "__real";

/**
 * @param live path of a finished live file
 * @param files paths of HDF5 files that were made of the same measurement
 * @returns one sentence for each measured variable that differs from that of the same name in a file
 */
export async function compareLive(live: string, files: readonly string[]): Promise<string[]> {
  const streamed = await factsIn(live, (_name, dataset) => dataset.attributeNames().includes(MEASURED));
  const differences: string[] = [];
  for (const path of files) {
    const made = await factsIn(path, (name) => streamed.has(name) || streamed.has(name + REAL));
    for (const [name, facts] of made) {
      const expected = streamed.get(name) ?? streamed.get(name + REAL);
      if (!expected || JSON.stringify(expected) === JSON.stringify(facts)) continue;
      differences.push(`${name}: ${inWords(expected)} on the stream, ${inWords(facts)} afterwards`);
    }
  }
  return differences;
}

async function factsIn(
  path: string,
  wanted: (name: string, dataset: Hdf5Dataset) => boolean,
): Promise<Map<string, Facts>> {
  using file = await openHdf5(path);
  const found = new Map<string, Facts>();
  for (const member of file.walk()) {
    if (!(member instanceof Hdf5Dataset)) continue;
    const name = member.path.slice(member.path.lastIndexOf("/") + 1);
    if (!wanted(name, member) || !member.isReadable()) continue;
    const facts: Facts = { count: 0, least: Infinity, greatest: -Infinity };
    // Of complex values, which come as pairs, the real parts.
    const step = member.dtype === "c16" || member.dtype === "c8" ? 2 : 1;
    for (const slab of member.iterateSlabs()) addValues(facts, slab, step);
    found.set(name, facts);
  }
  return found;
}

function addValues(facts: Facts, slab: Hdf5Values, step: number): void {
  if (!ArrayBuffer.isView(slab)) return;
  for (let i = 0; i < slab.length; i += step) {
    const value = Number(slab[i]);
    if (Number.isNaN(value)) continue;
    facts.count++;
    if (value < facts.least) facts.least = value;
    if (value > facts.greatest) facts.greatest = value;
  }
}

const inWords = ({ count, least, greatest }: Facts) =>
  count === 0 ? "no values" : `${count} values from ${least} to ${greatest}`;
