/** Sentences for the states of items and for the rules that leave a path out. */
import type { ItemRow, ItemState } from "../../catalog/item_rows.ts";
import { INFO_FILE } from "../../discovery/item_digest.ts";
import type { OutsideReason, Place } from "./why_place.ts";

/** One link of the chain of decisions. */
export interface WhyStep {
  /** What was decided: a code of the rules, of an error, or of a state. */
  code: string;
  text: string;
  /** What to do about it; absent when there is nothing to do. */
  hint?: string;
}

const STATES: Record<ItemState, string> = {
  waiting: "it waits for its turn",
  settling: "its input changed a moment ago; it is read when it is quiet",
  running: "it is being synchronized",
  live: "it is being measured and followed live",
  deferred:
    "its input was busy or the platform not reachable; it is tried again by itself, no attempt is counted",
  not_started: "the measurement exists, but nothing was measured yet",
  no_credentials: "the owner of the source has no login on this computer",
  unmapped: "it has no scope to go to",
  retry_wait: "the last attempt failed; it is tried again by itself",
  quarantined:
    "it failed for good: it is tried again when its input or the program changes, or after a reset",
  vanished: "its input disappeared before it was ever synchronized",
  done: "it is on the platform as it is here",
  deleted_locally: "it is on the platform; its input was deleted here",
};

export function stateText(item: ItemRow): WhyStep {
  const reason = item.reason ? `: ${item.reason.message}` : "";
  const hint = item.reason?.hint || ownHint(item);
  return {
    code: item.reason?.code ?? item.state,
    text: `${item.state} – ${STATES[item.state]}${reason}${
      item.attempts > 0 ? ` (attempts: ${item.attempts})` : ""
    }`,
    ...(hint ? { hint } : {}),
  };
}

function ownHint(item: ItemRow): string | undefined {
  switch (item.state) {
    case "waiting":
      return "etiket-sync once";
    case "unmapped":
      return item.scope_identifier
        ? `etiket-sync source map SOURCE "${item.scope_identifier}" SCOPE`
        : "Give the source a default scope: etiket-sync source update SOURCE --scope NAME";
    case "quarantined":
    case "vanished":
      return `etiket-sync item reset ${item.id}`;
    default:
      return undefined;
  }
}

export function outsideText(reason: OutsideReason, place: Place): WhyStep {
  const step = (text: string, hint?: string): WhyStep => ({ code: reason, text, ...(hint ? { hint } : {}) });
  const level = place.plan?.kind === "folder" ? place.plan.level : 0;
  const below = place.below > 0 ? `; ${place.below} item(s) lie below it` : "";
  switch (reason) {
    case "not_covered":
      return step("no source covers this path", "Add one: etiket-sync source example folderbase");
    case "hidden":
      return step(
        "names that begin with a dot are hidden: never read, never sent",
        "Rename it without the dot.",
      );
    case "own_file":
      return step("this file steers the synchronization; it is never uploaded itself");
    case "no_info_file":
      return step(
        `neither this folder nor one above it, up to the source's root, holds ${INFO_FILE}${below}`,
        place.below > 0 ? undefined : `Put a ${INFO_FILE} (it may be empty) into the dataset's folder.`,
      );
    case "too_shallow":
      return step(
        `items lie exactly ${level} level(s) below the source's root; this lies above that${below}`,
      );
    case "too_deep":
      return step(
        `items are single files exactly ${level} level(s) below the source's root; this lies deeper`,
      );
    case "name_pattern":
      return step(
        "its name does not look like a measurement of this kind",
        "Rename it, or use a folderbase source.",
      );
    case "symlink_directory":
      return step("links to folders are never followed", "Add a source for the folder it points to.");
    case "database_file":
      return step(
        "this is the database of the source; its runs are the items",
        `List them with: etiket-sync item list --source "${place.source?.name ?? ""}"`,
      );
    case "database_folder":
      return step(
        "it lies in the folder of the source's databases: their runs are the items, and files without runs are listed",
        `See: etiket-sync source show "${place.source?.name ?? ""}"`,
      );
    case "not_discovered":
      return step(
        place.kind === "missing" ? "nothing like it was ever seen" : "it is new: no scan has met it yet",
        place.kind === "missing" ? undefined : "etiket-sync once",
      );
  }
}
