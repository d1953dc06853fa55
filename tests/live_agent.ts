/** What tests of running measurements ask of a serving agent. */
import type { LiveSessionView } from "../src/live/live_event.ts";
import { readText } from "./bench/measure.ts";
import { processesOf } from "./faults/processes.ts";
import { type AgentAddress, liveSessions, LiveSubscriber } from "./live_subscriber.ts";

/** Time for a machine under load, not a promise to users. */
const PATIENCE_MS = 30_000;

/** The processes that follow the running measurements of an agent with this state folder (Linux). */
export function liveHosts(home: string): number[] {
  return processesOf(home).filter((pid) => readText(`/proc/${pid}/cmdline`).split("\0").includes("__live"));
}

/** Waits for a condition. @param about what is shown when it does not come true */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  about?: () => unknown,
) {
  const end = Date.now() + PATIENCE_MS;
  while (!await condition()) {
    if (Date.now() > end) {
      throw new Error(`not within ${PATIENCE_MS} ms: ${what} ${JSON.stringify(about?.())}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The session of a run that is being followed now. */
export async function sessionOf(
  agent: AgentAddress,
  is: (session: LiveSessionView) => boolean,
): Promise<LiveSessionView> {
  let all: LiveSessionView[] = [];
  let found: LiveSessionView | undefined;
  await until(
    "the run is followed",
    async () => {
      all = await liveSessions(agent);
      found = all.find((session) => session.state !== "ended" && is(session));
      return found !== undefined;
    },
    () => all,
  );
  if (!found) throw new Error("no session");
  return found;
}

/** Follows a session in the background; disposing of it ends that, and throws what went wrong. */
export class Following implements AsyncDisposable {
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #failure: unknown;

  constructor(readonly subscriber: LiveSubscriber) {
    this.#done = subscriber.follow(this.#end.signal).catch((e) => void (this.#failure = e));
  }

  get replay() {
    return this.subscriber.replay;
  }

  /** Until something of the run is known. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await until(what, () => this.#failure !== undefined || condition(), () => this.replay.summary());
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Until the session is over. */
  async ended(): Promise<void> {
    await this.until("the end", () => this.replay.end !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#done;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Follows a session from its beginning. */
export function follow(agent: AgentAddress, { id }: LiveSessionView): Following {
  return new Following(new LiveSubscriber(agent, id));
}
