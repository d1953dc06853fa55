/** What changed between two looks at a running agent, one line each, for files and pipes. */
import type { Activity, SourceActivity } from "../../sdk/schemas.ts";
import { count, printable } from "../readable.ts";

/** @param before undefined: everything is new */
export function changes(before: Activity | undefined, now: Activity): string[] {
  const lines: string[] = [];
  const agent = agentLine(now);
  if (before === undefined || agent !== agentLine(before)) lines.push(agent);

  const known = new Map(before?.sources.map((s) => [s.id, s]));
  for (const s of now.sources) {
    const earlier = known.get(s.id);
    known.delete(s.id);
    const line = sourceLine(s);
    if (earlier === undefined || line !== sourceLine(earlier)) lines.push(line);
  }
  for (const gone of known.values()) lines.push(`${gone.name}: removed`);

  const ran = new Map(before?.running.map((r) => [r.id, r]));
  for (const r of now.running) {
    const earlier = ran.get(r.id);
    ran.delete(r.id);
    if (earlier?.step !== r.step) lines.push(`${r.source}: ${r.dataIdentifier}: ${r.step}`);
  }
  for (const r of ran.values()) lines.push(`${r.source}: ${r.dataIdentifier}: ended`);

  if (now.unread_errors !== (before?.unread_errors ?? 0)) {
    lines.push(`agent: ${count(now.unread_errors, "unread error")}`);
  }
  return lines.map((line) => printable(line).replaceAll("\n", " "));
}

function agentLine({ status: { state, reason } }: Activity): string {
  return `agent: ${state}${reason ? `: ${reason.message}` : ""}`;
}

function sourceLine(s: SourceActivity): string {
  return [
    `${s.name}: ${s.status}, ${s.items_synchronized} of ${s.items_total} synchronized`,
    ...(s.due > 0 ? [`${s.due} due`] : []),
    ...(s.settling > 0 ? [`${s.settling} settling`] : []),
    ...(s.items_failed > 0 ? [`${s.items_failed} failed`] : []),
  ].join(", ") + (s.reason ? `: ${s.reason.message}` : "");
}
