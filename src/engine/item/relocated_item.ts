/** The run of an item finds out that its input is that of another one, which moved here. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import { settle } from "../../catalog/settle.ts";
import { SyncError } from "../../kit/errors.ts";
import { placeName } from "./relocation.ts";
import { inputPath, isGone } from "./relocation_place.ts";
import type { ReadySource, Services } from "../services.ts";

type Here = Pick<Services, "catalog" | "env">;

/** Ends the run of an item whose place another one has taken: that one is to be run instead. */
export class RelocatedItem extends Error {
  /** @param item id of the item that is there now */
  constructor(readonly item: number) {
    super(`item ${item} moved here`);
  }
}

/**
 * Lets a known item take the place of the one that is being run.
 * @throws RelocatedItem always; SyncError `input_moving` while the known one is being run, too
 */
export function takePlace(s: Here, found: ItemRow, known: ItemRow): never {
  const now = s.env.now();
  if (known.state === "running") {
    throw new SyncError("busy", "input_moving", `${placeName(s, known)} is moved while it is read`, {
      hint: "It is looked at again shortly.",
    });
  }
  const to = { ...found, ...settle(found.changed_at, null, now), due_at: found.due_at };
  s.catalog.relocations.relocate([{ item: known.id, to, from: placeName(s, known) }], now);
  throw new RelocatedItem(known.id);
}

/**
 * A new item whose measurement another item stands for, whose input is gone: it moved in a way that left no trace on
 * disk (D14).
 * @param altUid what the backend calls the measurement
 * @throws RelocatedItem then
 */
export function claimMoved(
  s: Here,
  source: ReadySource,
  item: ItemRow,
  altUid: string | undefined,
  scope: string,
): void {
  if (altUid === undefined || source.plan.kind !== "folder" || item.pushed_scope !== null) return;
  const known = s.catalog.relocations.withAltUid(altUid).find((other) => {
    if (other.id === item.id || other.pushed_scope !== scope) return false;
    const path = inputPath(s, other);
    return path !== undefined && isGone(s, path);
  });
  if (known) takePlace(s, item, known);
}
