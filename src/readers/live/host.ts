/**
 * The inside of a live host process: follows the running measurements of one source. It takes orders as lines on stdin
 * and tells changes as lines on stdout.
 */
import { SyncError } from "../../kit/errors.ts";
import { hdf5ErrorCount } from "../../kit/hdf5/module.ts";
import type { LiveSession } from "../../kit/live.ts";
import { isWasmAbort } from "../child.ts";
import { startGuard } from "../guard.ts";
import { check } from "../protocol.ts";
import { Registry } from "../registry.ts";
import { guarded } from "../run_task.ts";
import { decode, encode, MARKER } from "../wire.ts";
import { failedEnd, FollowedSession } from "./followed_session.ts";
import { PathWatches } from "./path_watches.ts";
import { type FromHost, LIVE_RULES, type LiveRules, type ToHost, toHostSchema } from "./protocol.ts";
import { SessionFile } from "./session_file.ts";
import { wireChanges } from "./wire_changes.ts";

type OpenRequest = Extract<ToHost, { type: "open" }>;

/** What has a turn: an item that is asked about, or a session that is looked at. */
interface Turn {
  id: number;
  dueAt: number;
  request: OpenRequest;
  session?: LiveSession;
  followed?: FollowedSession;
  file?: SessionFile;
  /** The paths that are watched for it, one a line. */
  watched?: string;
}

/** Between looks at the memory, ms: it is there for days, mostly at rest. */
const MEMORY_MS = 1000;
/** Characters of changes in one line. */
const LINE = 4 * 1024 * 1024;
/** Errors inside HDF5 leave open files behind: with so many a new process is better. */
const HDF5_ERRORS = 200;

/** Serves until the agent kills this process, closes its stdin or dies. @param args as those of a reader process */
export function runLiveHost(args: string[]): void {
  new LiveHost(new Registry(args.filter((_, i) => args[i - 1] === "--load")));
}

class LiveHost {
  readonly #turns = new Map<number, Turn>();
  readonly #watches = new PathWatches((id) => this.#wake(id));
  readonly #guard;
  #rules: LiveRules = LIVE_RULES;
  #wakeUp = () => {};
  #present: Turn | null = null;
  /** When the present turn began, monotonic ms. */
  #since = 0;
  /** The beginning of a line. */
  #rest = "";

  constructor(private readonly registry: Registry) {
    this.#guard = startGuard((text) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#take(check(toHostSchema, decode(line), "an order", "agent"));
    }, MEMORY_MS);
    send({ type: "ready" });
    this.#work();
  }

  #take(order: ToHost): void {
    switch (order.type) {
      case "begin":
        this.#rules = order.rules;
        return this.#guard.limitMemory(order.memory);
      case "open":
        this.#turns.set(order.id, { id: order.id, dueAt: performance.now(), request: order });
        return this.#wakeUp();
      case "close": {
        const turn = this.#turns.get(order.id);
        this.#turns.delete(order.id);
        // Of the one that has its turn now the session is closed after it.
        if (turn && turn !== this.#present) this.#close(turn);
        return;
      }
      case "wake":
        return this.#wake(order.id);
      case "quit":
        Promise.all([...this.#turns.values()].map((turn) => this.#close(turn))).finally(() => Deno.exit(0));
        return;
      case "ping": {
        const looking = this.#present === null ? 0 : performance.now() - this.#since;
        return send({ type: "alive", rss: Deno.memoryUsage().rss, looking });
      }
    }
  }

  #wake(id: number): void {
    const turn = this.#turns.get(id);
    if (!turn?.followed) return;
    turn.followed.wake();
    turn.dueAt = turn.followed.dueAt;
    this.#wakeUp();
  }

  /** One turn after the other, the longest due first: so that each session has its turn before one has two. */
  async #work(): Promise<never> {
    for (;;) {
      let next: Turn | undefined;
      for (const turn of this.#turns.values()) if (!next || turn.dueAt < next.dueAt) next = turn;
      const wait = (next?.dueAt ?? Infinity) - performance.now();
      if (next && wait <= 0) {
        [this.#present, this.#since] = [next, performance.now()];
        await this.#serve(next);
        this.#present = null;
      }
      // Also between turns that follow each other: orders and events want to be heard.
      await this.#sleep(Math.max(0, wait));
    }
  }

  async #serve(turn: Turn): Promise<void> {
    try {
      if (turn.followed) await this.#look(turn, turn.followed);
      else await this.#open(turn);
    } catch (e) {
      const error = SyncError.from(e);
      const { id } = turn;
      if (turn.followed) send({ type: "end", id, end: failedEnd(error) });
      else send({ type: "refused", id, reason: error.message, error: error.toData() });
      this.#close(turn);
      if (isWasmAbort(error)) throw e;
    }
    if (hdf5ErrorCount() > HDF5_ERRORS) throw new Error(`more than ${HDF5_ERRORS} errors inside HDF5`);
  }

  async #open(turn: Turn): Promise<void> {
    const { id, request } = turn;
    const backend = await this.registry.backend(request.backend);
    const context = {
      temp: request.temp,
      timeZone: request.time_zone,
      now: () => Date.now(),
      wake: () => this.#wake(id),
      ...(request.resumed ? { resumed: true as const } : {}),
    };
    await Deno.mkdir(request.temp, { recursive: true, mode: 0o700 });
    const answer = await guarded(
      backend,
      () =>
        backend.live?.(request.config, request.item, context) ?? { not_live: "the backend knows no live" },
    );
    // The agent may have lost interest meanwhile.
    const isWanted = this.#turns.get(id) === turn;
    if ("session" in answer) turn.session = answer.session;
    if (!isWanted) return this.#close(turn);
    if ("not_live" in answer) {
      send({ type: "refused", id, reason: answer.not_live, error: null });
      return this.#close(turn);
    }
    send({ type: "opened", id });
    const file = turn.file = await SessionFile.in(
      request.folder,
      (error) => send({ type: "note", id, error: error.toData() }),
    );
    turn.followed = new FollowedSession(answer.session, this.#rules, {
      changes: (changes) => {
        sendChanges(id, changes);
        file.apply(changes);
      },
      state: (state, reason) => send({ type: "state", id, state, reason }),
      parked: (parked) => send({ type: "parked", id, parked }),
    }, { now: () => performance.now(), random: () => Math.random() });
    turn.dueAt = turn.followed.dueAt;
    this.#follow(turn, answer.session);
  }

  /** Watches what the session names: folders of a run may come while it goes on. */
  #follow(turn: Turn, { watch }: LiveSession): void {
    const paths = watch.join("\n");
    if (paths === turn.watched) return;
    turn.watched = paths;
    this.#watches.add(turn.id, watch);
  }

  async #look(turn: Turn, followed: FollowedSession): Promise<void> {
    const end = await followed.look();
    turn.dueAt = followed.dueAt;
    if (this.#turns.get(turn.id) !== turn) return this.#close(turn);
    if (!end) return turn.session && this.#follow(turn, turn.session);
    send({ type: "end", id: turn.id, end });
    this.#close(turn);
  }

  async #close(turn: Turn): Promise<void> {
    if (this.#turns.get(turn.id) === turn) this.#turns.delete(turn.id);
    this.#watches.remove(turn.id);
    turn.file?.finish();
    const { session } = turn;
    delete turn.session;
    try {
      await session?.close();
    } catch {
      // It is of no further use, whatever it complains about.
    } finally {
      await Deno.remove(turn.request.temp, { recursive: true }).catch(() => {});
    }
  }

  /** Until a time has passed or something has happened. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(resolve, Math.min(ms, 1 << 30));
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Lines of some MiB at most. */
function sendChanges(id: number, all: Parameters<typeof wireChanges>[0]): void {
  let changes: Extract<FromHost, { type: "changes" }>["changes"] = [];
  let length = 0;
  const flush = () => {
    if (changes.length > 0) send({ type: "changes", id, changes });
    [changes, length] = [[], 0];
  };
  for (const change of wireChanges(all)) {
    changes.push(change);
    if (change.type === "patch") length += change.data.length;
    if (length >= LINE) flush();
  }
  flush();
}

/** Taken before any other code can replace it. */
const writeSync = Deno.stdout.writeSync.bind(Deno.stdout);

function send(message: FromHost): void {
  let bytes = new TextEncoder().encode(`\n${MARKER}${encode(message)}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(bytes));
}
