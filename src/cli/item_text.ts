/** Items as people read them. */
import type { ItemView } from "../engine/views.ts";
import { relativeTime } from "./readable.ts";
import { stateColour } from "./style.ts";
import { type Column, keyValues, table } from "./table.ts";

export function itemTable(items: readonly ItemView[], width: number | undefined, now = Date.now()): string {
  const columns: Column<ItemView>[] = [
    { title: "ID", value: (i) => i.id },
    { title: "SOURCE", value: (i) => i.source },
    { title: "ITEM", value: (i) => i.dataIdentifier, flexible: true },
    { title: "STATUS", value: (i) => i.status },
    { title: "NEXT TRY", value: (i) => i.next_attempt_at && relativeTime(i.next_attempt_at, now) },
    {
      title: "REASON",
      value: (i) => i.reason?.message ?? (i.state === "done" ? "" : i.state),
      flexible: true,
    },
  ];
  const always = new Set(["ID", "SOURCE", "ITEM", "STATUS"]);
  return table(items, columns.filter((c) => always.has(c.title) || items.some((i) => c.value(i))), width);
}

/** A few lines about one item. */
export function itemCard(i: ItemView, now = Date.now()): string {
  return keyValues([
    ["item", `${i.dataIdentifier}  (id ${i.id})`],
    ["source", i.source],
    ["dataset", i.datasetUUID],
    ["status", i.state === "done" ? i.status : `${i.status} (${i.state})`, stateColour(i.status)],
    ["reason", i.reason && `${i.reason.code}: ${i.reason.message}`],
    ["what to do", i.reason?.hint],
    ["attempts", i.attempts > 0 ? i.attempts : null],
    ["next try", i.next_attempt_at && relativeTime(i.next_attempt_at, now)],
    ["scope id", i.scope_identifier],
    ["asked for", i.hasPriority ? "yes: it goes first" : null],
    ["last change", relativeTime(i.last_update, now)],
  ]);
}
