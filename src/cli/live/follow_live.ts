/** Follows a running measurement: as a screen, as lines of text, or as its events in lines of JSON. */
import type { LiveSessionView } from "../../sdk/live_client.ts";
import type { LiveClient } from "../../sdk/live_client.ts";
import { LiveModel } from "../../sdk/live_model.ts";
import { readableTime } from "../readable.ts";
import { writeOut } from "../streams.ts";
import { onEndKey, Screen, terminalSize } from "../watch/screen.ts";
import { liveFrame, liveLine, measuredPoints, PointRate } from "./live_text.ts";

/** Pause between two looks of people, ms. */
const LOOK_MS = 500;

/** Every event as it comes, until the end, the signal, or nobody reads any more. */
export async function followAsJson(client: LiveClient, id: string, signal: AbortSignal): Promise<void> {
  for await (const event of client.events(id, { signal })) {
    if (!writeOut(`${JSON.stringify(event)}\n`)) return;
  }
}

/** A line whenever something changed, at most twice a second. */
export async function followAsLines(client: LiveClient, id: string, signal: AbortSignal): Promise<void> {
  let shown = "";
  await follow(client, id, signal, (model, rate) => {
    const line = liveLine(model, rate);
    if (line === shown) return true;
    shown = line;
    return writeOut(`${readableTime(new Date().toISOString())}  ${line}\n`);
  });
}

/** A screen until q, Ctrl-C or the signal; what was there at the end stays in the terminal. */
export async function followOnScreen(
  client: LiveClient,
  view: LiveSessionView,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const screen = new Screen({ write: writeOut, size: terminalSize });
  const keysDone = onEndKey(() => ended.abort());
  let last: string[] = [];
  try {
    await follow(client, view.id, AbortSignal.any([signal, ended.signal]), (model, rate) => {
      last = liveFrame(model, view, rate, screen.size.columns);
      screen.draw([...last.slice(0, screen.size.rows - 2), "", "q ends this view"]);
      return true;
    });
  } finally {
    keysDone();
    screen.close();
  }
  writeOut(last.map((line) => `${line}\n`).join(""));
}

/** @param show called now and then with what is known, and at the end; false = enough */
async function follow(
  client: LiveClient,
  id: string,
  signal: AbortSignal,
  show: (model: LiveModel, rate: PointRate) => boolean,
): Promise<void> {
  const [model, rate, enough] = [new LiveModel(), new PointRate(), new AbortController()];
  const look = () => {
    if (model.seq === 0) return;
    rate.add(measuredPoints(model), performance.now());
    if (!show(model, rate)) enough.abort();
  };
  const timer = setInterval(look, LOOK_MS);
  try {
    const all = AbortSignal.any([signal, enough.signal]);
    for await (const event of client.events(id, { signal: all })) model.apply(event);
  } finally {
    clearInterval(timer);
  }
  if (!signal.aborted) look();
}
