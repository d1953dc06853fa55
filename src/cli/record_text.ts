/** A sync record as people read it: its files, then what happened in the last run. */
import { lastMove, lastRun, uploads } from "../engine/inquiry/why_record.ts";
import type { SyncRecordData } from "../engine/item/sync_record.ts";
import { printable, readableSize, readableTime } from "./readable.ts";
import { dim, stateColour } from "./style.ts";
import { table } from "./table.ts";

/** @param record undefined when the item never ran */
export function recordText(record: SyncRecordData | undefined): string {
  if (!record) return "\nIt was never synchronized yet.\n";
  const files = uploads(record);
  const run = lastRun(record);
  const parts: string[] = [];
  if (files.length > 0) {
    parts.push(table(files, [
      { title: "FILE", value: (f) => f.name },
      { title: "SIZE", value: (f) => f.size === null ? "" : readableSize(f.size) },
      { title: "VERSION", value: (f) => f.version_id },
      { title: "LAST", value: (f) => f.action ?? f.status.toLowerCase() },
      { title: "WHEN", value: (f) => f.sync_timestamp && readableTime(f.sync_timestamp) },
      {
        title: "REMARK",
        value: (f) => f.error ?? f.skip_reason ?? (f.converter && `made by ${f.converter}`),
      },
    ]));
  }
  const move = lastMove(record);
  if (move !== undefined) parts.push(`${printable(move)}\n`);
  if (run) {
    const head = `Last run: ${run.name}, ${readableTime(run.date)}`;
    const remarks = run.remarks.map((r) => {
      const mark = r.kind === "error" ? stateColour("error")("error") : "note ";
      const hint = r.hint ? `\n         ${printable(r.hint)}` : "";
      return `  ${mark}  ${printable(r.message)}  ${dim(r.code ?? "")}${hint}`;
    });
    parts.push([head, ...remarks].join("\n") + "\n");
  }
  return "\n" + parts.join("\n");
}
