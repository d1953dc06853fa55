/** Whether what was followed live is what is synchronized (E12): a difference is told, and changes nothing. */
import type { DatasetDraft } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Services } from "../services.ts";
import type { Recorder } from "./sync_record.ts";

/** @param live path of the live file, which need not be there */
export async function checkAgainstLive(
  s: Pick<Services, "env" | "readers" | "log">,
  live: string,
  draft: DatasetDraft,
  recorder: Recorder,
): Promise<void> {
  const files = draft.files.filter((f) => f.staged && /\.(hdf5|h5|nc)$/i.test(f.filename)).map((f) => f.path);
  const isThere = await s.env.fs.stat(live).then(() => true, () => false);
  if (files.length === 0 || !isThere) return;
  try {
    const { differences } = await s.readers.run("compare_live", { live, files });
    for (const difference of differences) {
      recorder.log("live_mismatch", difference);
      s.log(`live_mismatch: ${live}: ${difference}`);
    }
  } catch (e) {
    s.log(`live: the comparison with ${live} failed: ${SyncError.from(e).message}`);
  }
}
