/** Files that a dataset had and that are not in its draft any more: the platform keeps them, the record says so (3.4). */
import type { DatasetDraft } from "../../kit/drafts.ts";
import { isoFromMs } from "../../kit/time.ts";
import { isGone } from "./relocation_place.ts";
import type { Services } from "../services.ts";
import type { RunRecorder, UploadEntry } from "./sync_record.ts";

/** Records, once, what became of the files that this run did not meet; to be called when all of the draft was met. */
export function recordAbsentFiles(
  s: Pick<Services, "catalog" | "env">,
  draft: DatasetDraft,
  recorder: RunRecorder,
): void {
  for (const [name, last] of recorder.notMet()) {
    if (last.action === "skipped") continue;
    const why = reasonFor(s, name, last, draft, recorder.errors.length > 0);
    if (why === undefined) continue;
    recorder.upload(name, {
      ...last,
      sync_timestamp: isoFromMs(s.env.now()),
      status: "OK",
      error: null,
      action: "skipped",
      skip_reason: why,
    });
    recorder.log(
      why,
      `"${name}" ${TEXTS[why] ?? "is left out now"}; what was uploaded of it stays on the platform`,
    );
  }
}

const TEXTS: Record<string, string> = {
  deleted_locally: "is not here any more",
  no_longer_made: "is not made any more",
};

/** @returns undefined when it cannot be told, because something failed */
function reasonFor(
  s: Pick<Services, "catalog" | "env">,
  name: string,
  last: UploadEntry,
  draft: DatasetDraft,
  failed: boolean,
): string | undefined {
  if (last.file_path !== null && isGone(s, last.file_path)) return "deleted_locally";
  const skip = draft.skips?.find(({ path }) => name === path || name.startsWith(`${path}/`));
  if (skip) return skip.reason;
  if (failed) return undefined;
  return last.file_path === null || last.converter !== null ? "no_longer_made" : "left_out";
}
