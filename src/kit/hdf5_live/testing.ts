/** Helpers of the tests in this folder. */
import { assertEquals } from "../../../tests/assert.ts";
import { Hdf5Dataset, Hdf5Group } from "../hdf5/objects.ts";
import { openHdf5 } from "../hdf5/open.ts";
import { unreadablePart } from "../hdf5/types.ts";
import { SyncError } from "../errors.ts";
import { openHdf5Live } from "./open.ts";
import type { LiveHdf5Dataset, LiveHdf5File } from "./types.ts";

/** Reasons for which a dataset may not be readable by us, though it is by the library. */
const REFUSALS = new Set(["hdf5_unknown_filter", "hdf5_unsupported_type", "hdf5_unsupported_layout"]);

/**
 * Asserts that everything in a file reads as the library reads it.
 * @returns number of datasets that were compared
 */
export async function assertReadsAsLibrary(path: string): Promise<number> {
  using ours = openHdf5Live(path);
  using theirs = await openHdf5(path);
  const seen = new Set<number>();
  let compared = 0;
  const visit = (group: Hdf5Group) => {
    const members = ours.members(group.path);
    assertEquals(
      members.map((m) => m.name),
      theirs.members(group).map((m) => m.path.slice(m.path.lastIndexOf("/") + 1)).toSorted(),
      `${path} ${group.path}`,
    );
    compareAttributes(ours, group);
    for (const member of members) {
      if (member.id >= 0 && seen.has(member.id)) continue;
      seen.add(member.id);
      const known = theirs.find(member.path);
      if (known instanceof Hdf5Group) {
        assertEquals(member.kind, "group", member.path);
        visit(known);
      } else if (known instanceof Hdf5Dataset) {
        assertEquals(member.kind, "dataset", member.path);
        if (compareDatasets(`${path} ${member.path}`, ours.dataset(member.path), known)) compared++;
        compareAttributes(ours, known);
      }
    }
  };
  visit(theirs.root);
  return compared;
}

function compareDatasets(what: string, ours: LiveHdf5Dataset, theirs: Hdf5Dataset): boolean {
  assertEquals(ours.shape, theirs.shape ?? [0], what);
  assertEquals(ours.chunkShape, theirs.chunks, what);
  if (!theirs.isReadable()) return false;
  assertEquals(ours.dtype, theirs.dtype, what);
  try {
    const values = ours.read(ours.shape.map(() => 0), ours.shape);
    assertEquals(values, theirs.read(), what);
    return true;
  } catch (e) {
    if (e instanceof SyncError && REFUSALS.has(e.code)) return false;
    throw e;
  }
}

function compareAttributes(ours: LiveHdf5File, theirs: Hdf5Dataset | Hdf5Group): void {
  const attributes = ours.attributes(theirs.path);
  assertEquals(attributes.map((a) => a.name), theirs.attributeNames().toSorted(), theirs.path);
  for (const { name, type, shape, values } of attributes) {
    const known = theirs.attribute(name);
    assertEquals(shape, known.shape, `${theirs.path} ${name}`);
    if (unreadablePart(known.type) !== undefined || unreadablePart(type) !== undefined) continue;
    assertEquals(values, theirs.attributeValues(name), `${theirs.path} ${name}`);
  }
}
