/** Helpers of the tests in this folder. */
import { join } from "node:path";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { netcdfContent } from "../../../tests/netcdf_content.ts";
import { openHdf5 } from "../../../src/kit/hdf5/open.ts";
import type { LiveSession } from "../../../src/kit/live.ts";
import { convertLog } from "../convert.ts";
import { readLayout } from "../log_layout.ts";

/** Looks until nothing is new, without pauses. */
export async function follow(session: LiveSession, replay = new LiveReplay()): Promise<LiveReplay> {
  for (;;) {
    const { changes, end, more, delayed } = await session.look();
    replay.apply(changes);
    replay.end = end;
    if (delayed !== undefined) replay.delays.push(delayed);
    if (end || (!more && changes.length === 0)) return replay;
  }
}

/** The differences between what was told of a log and what its file would become now. @param path of the log in it */
export async function differences(
  replay: LiveReplay,
  file: string,
  path: string,
  temp: string,
): Promise<string[]> {
  const output = join(temp, `converted-${crypto.randomUUID()}.hdf5`);
  const hdf5 = await openHdf5(file);
  try {
    await convertLog(hdf5, readLayout(hdf5, path), output, temp);
  } finally {
    hdf5.close();
  }
  return replay.differences(await netcdfContent(output));
}
