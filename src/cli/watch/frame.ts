/** What a running agent does, as one screen of a terminal. */
import type { Activity, RunningItem, SourceActivity } from "../../sdk/schemas.ts";
import { bar } from "../progress.ts";
import { count, printable, readableDuration, readableSize, readableTime } from "../readable.ts";
import { bold, dim, red, stateColour } from "../style.ts";
import { shorten, table } from "../table.ts";
import type { RecentError } from "./recent_errors.ts";

export interface FrameSize {
  columns: number;
  rows: number;
}

/** Fewer lines of a part than this are never shown while it has more. */
const FEWEST = 3;

/**
 * The screen as lines, at most `rows` of at most `columns` cells. Where there is too little room, sources come before
 * running items, and these before errors.
 */
export function frame(activity: Activity, errors: readonly RecentError[], size: FrameSize): string[] {
  const { columns } = size;
  const cut = (text: string) => shorten(printable(text).replaceAll("\n", " "), columns);
  const head = heading(activity, cut);
  const sources = sourceLines(activity.sources, columns, cut);
  const running = activity.running.map((r) => cut(runningLine(r)));
  const failures = errors.map((e) => cut(`${readableTime(e.time)}  ${e.where}  ${e.text}`));

  let room = size.rows - head.length;
  const part = (title: string, lines: string[], others: number) => {
    const shown = fit(lines, room - 2 - others);
    if (shown.length === 0) return [];
    room -= shown.length + 2;
    return ["", bold(cut(title)), ...shown];
  };
  const reserve = (lines: readonly string[]) => lines.length === 0 ? 0 : Math.min(lines.length, FEWEST) + 2;
  return [
    ...head,
    ...part("Sources", sources, reserve(running) + reserve(failures)),
    ...part(`Running (${activity.running.length})`, running, reserve(failures)),
    ...part("Recent errors", failures, 0),
  ].slice(0, size.rows);
}

function heading(a: Activity, cut: (text: string) => string): string[] {
  const { state, reason, since, version, platform } = a.status;
  const sent = a.files_uploaded > 0
    ? `${count(a.files_uploaded, "file")}, ${readableSize(a.bytes_uploaded)} sent since it started`
    : "nothing sent since it started";
  const facts = [
    ...(a.live > 0 ? [`${a.live} live`] : []),
    ...(a.speed > 0 ? [`${readableSize(a.speed)}/s`] : []),
    sent,
    ...(a.unread_errors > 0 ? [count(a.unread_errors, "unread error")] : []),
  ];
  return [
    stateColour(state === "running" ? "ok" : state === "stopped" ? "stopped" : "error")(
      cut(`${state} since ${readableTime(since)}  (etiket-sync ${version}, ${platformText(platform)})`),
    ),
    cut(facts.join("  ·  ")),
    ...(reason ? [red(cut(reason.message)), cut(reason.hint)] : []),
  ];
}

function sourceLines(
  sources: readonly SourceActivity[],
  columns: number,
  cut: (text: string) => string,
): string[] {
  if (sources.length === 0) return ["None yet: etiket-sync source example qcodes"];
  const lines = table(sources, [
    { title: "NAME", value: (s) => s.name, flexible: true },
    { title: "STATE", value: (s) => s.status },
    { title: "ITEMS", value: (s) => s.items_total },
    { title: "SYNCED", value: (s) => s.items_synchronized },
    { title: "DUE", value: (s) => s.due },
    { title: "SETTLING", value: (s) => s.settling },
    { title: "FAILED", value: (s) => s.items_failed },
    { title: "SENT", value: (s) => readableSize(s.bytes_uploaded) },
    { title: "SPEED", value: (s) => s.speed > 0 ? `${readableSize(s.speed)}/s` : "" },
    { title: "CHANGES BY", value: (s) => s.watching },
  ], columns).trimEnd().split("\n");
  return [
    dim(shorten(lines[0] ?? "", columns)),
    ...sources.flatMap((s, i) => [
      stateColour(s.status)(shorten(lines[i + 1] ?? "", columns)),
      ...(s.reason ? [red(cut(`  ${s.reason.message}  ${s.reason.hint}`))] : []),
    ]),
  ];
}

/** `fridge: run 12  data.hdf5  ████░░░░  42 %  120 MB of 300 MB  12 MB/s  15 s left` */
export function runningLine(r: RunningItem): string {
  const known = r.bytes_total !== null && r.bytes_total > 0;
  return [
    `${r.source}: ${r.dataIdentifier}`,
    r.step,
    ...(known && r.bytes_total !== null
      ? [
        `${bar(r.bytes_done, r.bytes_total)} ${Math.floor(100 * r.bytes_done / r.bytes_total)} %`,
        `${readableSize(r.bytes_done)} of ${readableSize(r.bytes_total)}`,
      ]
      : []),
    ...(r.speed > 0 ? [`${readableSize(r.speed)}/s`] : []),
    ...(r.eta !== null && r.eta > 0 ? [`${readableDuration(r.eta * 1000)} left`] : []),
    ...(r.files_done > 0 ? [`${count(r.files_done, "file")} done`] : []),
  ].join("  ");
}

/** As many lines as fit, the last one telling how many do not. */
function fit(lines: readonly string[], room: number): string[] {
  if (lines.length <= room) return [...lines];
  if (room < 1) return [];
  const left = lines.length - room + 1;
  return [...lines.slice(0, room - 1), dim(`… ${left} more`)];
}

/** The embedded hub has an address that leads nowhere. */
function platformText(address: string): string {
  return address === "http://hub.internal" ? "embedded platform" : address;
}
