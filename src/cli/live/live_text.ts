/** Running measurements as people read them. */
import type { LiveSessionView } from "../../sdk/live_client.ts";
import type { LiveModel } from "../../sdk/live_model.ts";
import { count, printable, readableTime, relativeTime } from "../readable.ts";
import { bold } from "../style.ts";
import { shorten, table } from "../table.ts";

export function sessionList(sessions: readonly LiveSessionView[], now: number, width?: number): string {
  if (sessions.length === 0) return "Nothing is being measured.";
  return table(sessions, [
    { title: "id", value: (s) => s.id },
    { title: "name", value: (s) => s.name, flexible: true },
    { title: "source", value: (s) => s.source, flexible: true },
    { title: "state", value: stateOf },
    { title: "events", value: (s) => s.seq },
    { title: "changed", value: (s) => relativeTime(s.updated, now) },
  ], width);
}

function stateOf({ state, end }: Pick<LiveSessionView, "state" | "end">): string {
  return end ? end.reason : state.replace("_", " ");
}

/** Points per second over the last moments. */
export class PointRate {
  #before: { at: number; points: number } | undefined;
  perSecond = 0;

  /** @param now ms */
  add(points: number, now: number): void {
    const { at, points: before } = this.#before ?? { at: now, points };
    if (now > at) this.perSecond = Math.max(0, points - before) / ((now - at) / 1000);
    this.#before = { at: now, points };
  }
}

export function measuredPoints(model: LiveModel): number {
  return [...model.variables.values()].reduce((n, cells) => n + cells.count, 0);
}

/** One line for a file or pipe. */
export function liveLine(model: LiveModel, rate: PointRate): string {
  const variables = [...model.variables].map(([name, cells]) => `${printable(name)} ${cells.count}`).join(
    ", ",
  );
  return `${printable(model.name)}: ${standing(model, rate)}; ${variables}`;
}

/** The measurement as lines of at most `columns` cells. */
export function liveFrame(
  model: LiveModel,
  view: LiveSessionView,
  rate: PointRate,
  columns: number,
): string[] {
  const cut = (text: string) => shorten(printable(text).replaceAll("\n", " "), columns);
  const rows = [...model.variables.values()];
  return [
    bold(cut(model.name)),
    cut(`${view.source} (${view.backend}), since ${readableTime(view.started)}`),
    cut(standing(model, rate)),
    "",
    ...table(rows, [
      { title: "variable", value: (cells) => cells.facts.name, flexible: true },
      { title: "role", value: (cells) => cells.facts.role },
      { title: "points", value: (cells) => cells.count },
      { title: "extent", value: (cells) => cells.shape.join(" × ") || "one value" },
      { title: "unit", value: (cells) => cells.facts.units },
    ], columns).trimEnd().split("\n"),
  ];
}

function standing({ end, state }: LiveModel, { perSecond }: PointRate): string {
  if (end) return `ended (${end.reason}): ${end.evidence}`;
  const points = Math.round(perSecond);
  return state === "running" ? `running, ${count(points, "point")} per second` : state.replace("_", " ");
}
