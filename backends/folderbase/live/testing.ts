/** Helpers of the tests of live folders. */
import { Hdf5Dataset, Hdf5Group } from "../../../src/kit/hdf5/objects.ts";
import { openHdf5 } from "../../../src/kit/hdf5/open.ts";
import type { TruthArray } from "../../../tests/live_replay.ts";

/** All datasets of a closed file, as the HDF5 library reads them. */
export async function truthOfFile(path: string): Promise<{ variables: Record<string, TruthArray> }> {
  using file = await openHdf5(path);
  const variables: Record<string, TruthArray> = {};
  const visit = (group: Hdf5Group) => {
    for (const member of file.members(group)) {
      if (member instanceof Hdf5Group) visit(member);
      if (!(member instanceof Hdf5Dataset)) continue;
      const values = member.read();
      if (!ArrayBuffer.isView(values)) continue;
      variables[member.path.slice(1)] = { shape: member.shape, values: Array.from<unknown>(values) };
    }
  };
  visit(file.root);
  return { variables };
}
