/** Follows a running agent: as a screen, as lines of text, or as lines of JSON. */
import { SyncError } from "../../kit/errors.ts";
import type { Activity } from "../../sdk/schemas.ts";
import { readableTime } from "../readable.ts";
import { type RunningAgent, runningAgent } from "../running_agent.ts";
import { writeOut } from "../streams.ts";
import { changes } from "./changes.ts";
import { frame } from "./frame.ts";
import { RecentErrors } from "./recent_errors.ts";
import { onEndKey, Screen, terminalSize } from "./screen.ts";

/** Pause between looks for an agent that went away, ms. */
const LOOK_AGAIN_MS = 1000;

/**
 * Lines on stdout until the agent ends or the signal fires, or nobody reads them any more.
 * @throws SyncError `agent_unreachable` when the agent went without a word
 */
export async function followAsLines(agent: RunningAgent, json: boolean, signal: AbortSignal): Promise<void> {
  let before: Activity | undefined;
  for await (const now of agent.client.activities(signal)) {
    const time = readableTime(new Date().toISOString());
    const text = json
      ? `${JSON.stringify(now)}\n`
      : changes(before, now).map((line) => `${time}  ${line}\n`).join("");
    if (!writeOut(text)) return;
    before = now;
  }
}

/** A full screen until q, Ctrl-C or the signal; an agent that ends is waited for. */
export async function followOnScreen(home: string, agent: RunningAgent, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  signal.addEventListener("abort", end, { once: true });
  const screen = new Screen({ write: writeOut, size: terminalSize });
  const keysDone = onEndKey(end);
  try {
    let current: RunningAgent | undefined = agent;
    while (!ended.signal.aborted) {
      if (current) await showUntilGone(current, screen, ended.signal);
      if (ended.signal.aborted) break;
      screen.note("The agent has ended; waiting for it to come back. q ends this view.");
      await pause(LOOK_AGAIN_MS, ended.signal);
      current = await runningAgent(home);
    }
  } finally {
    signal.removeEventListener("abort", end);
    keysDone();
    screen.close();
  }
}

async function showUntilGone(agent: RunningAgent, screen: Screen, signal: AbortSignal): Promise<void> {
  const errors = new RecentErrors(agent.client);
  try {
    for await (const activity of agent.client.activities(signal)) {
      const { columns, rows } = screen.size;
      const lines = frame(activity, await errors.at(activity), { columns, rows: rows - 2 });
      screen.draw([...lines, "", "q ends this view"]);
    }
  } catch (e) {
    if (!(e instanceof SyncError && e.code === "agent_unreachable")) throw e;
  }
}

/** Shorter when the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
