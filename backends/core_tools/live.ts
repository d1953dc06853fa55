/** Follows a measurement while core-tools writes it. */
import type { ReadItem } from "../../src/kit/define_backend.ts";
import type { LiveAnswer, LiveContext, LiveLook, LiveSession } from "../../src/kit/live.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { deniedObject } from "./check_access.ts";
import type { CoreToolsDatabase } from "./config.ts";
import { databaseError, UNREACHABLE } from "./database_error.ts";
import { ObjectDenied } from "./large_object.ts";
import { LiveConnection } from "./live_connection.ts";
import { LiveMeasurement } from "./live_measurement.ts";
import { readMeasurementRow } from "./overview.ts";
import type { Server } from "./server.ts";

/** Between two looks, ms: the contract's pace, and the quickest for a measurement that writes faster. */
const QUIET_MS = 200;
const QUICKEST_MS = 20;
/** Looks between two writes: the mean delay is an eighth of the time between them. */
const LOOKS_PER_WRITE = 4;
/** How long a server that does not answer is waited for, and between two attempts, ms. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 1000;
/** Weight of the newest time between two writes in their mean. */
const WEIGHT = 0.3;

/**
 * A session, unless the measurement is gone, or completed and not even followed a moment ago. Whether one that is not completed still moves is what
 * discovery saw.
 * @throws SyncError of class source, permission, data
 */
export async function followMeasurement(
  { server }: CoreToolsDatabase,
  item: ReadItem,
  context: LiveContext,
): Promise<LiveAnswer> {
  const connection = LiveConnection.take(server);
  try {
    const measurement = await readMeasurementRow(connection, server, item.identifier);
    if (!measurement.completed || context.resumed) {
      const live = new LiveMeasurement(connection, server, item.identifier, context);
      return { session: new Session(server, connection, live, measurement.uuid, context) };
    }
  } catch (e) {
    await connection.release();
    if (e instanceof SyncError && e.code === "measurement_missing") return { not_live: e.message };
    throw databaseError(server, e);
  }
  await connection.release();
  return { not_live: `measurement ${item.identifier} is completed` };
}

class Session implements LiveSession {
  readonly watch: string[] = [];
  readonly silence = "parks";
  readonly #pace = new Pace();
  readonly #deafen: () => void;
  /** Since when there is no answer, and when it was asked for last, ms since 1970 UTC. */
  #lost: { since: number; tried: number; message: string } | undefined;

  constructor(
    private readonly server: Server,
    private readonly connection: LiveConnection,
    private readonly measurement: LiveMeasurement,
    uuid: string,
    private readonly context: LiveContext,
  ) {
    this.#deafen = connection.onNotification((payload) => {
      if (payload !== "" && payload !== uuid) return;
      // One word for all may be another one's.
      if (payload === uuid) this.#pace.notified = true;
      context.wake?.();
    });
  }

  get poll(): LiveSession["poll"] {
    return { active: this.#pace.active, quiet: QUIET_MS };
  }

  async look(): Promise<LiveLook> {
    const now = this.context.now();
    const lost = this.#lost;
    if (lost && now >= lost.tried && now - lost.tried < AGAIN_MS) {
      return { changes: [], delayed: lost.message };
    }
    try {
      const look = await this.measurement.look();
      this.#lost = undefined;
      if (look.changes.length > 0) this.#pace.moved(now);
      return look;
    } catch (e) {
      if (e instanceof ObjectDenied) throw await deniedObject(this.server, e);
      return this.#delayed(databaseError(this.server, e), now);
    }
  }

  /** A server that is started again is waited for. @throws the error when it lasts, or is another one */
  #delayed(error: SyncError, now: number): LiveLook {
    const since = this.#lost?.since ?? now;
    if (error.code !== UNREACHABLE || now - since > PATIENCE_MS) throw error;
    this.#lost = { since, tried: now, message: error.message };
    return { changes: [], delayed: error.message };
  }

  async close(): Promise<void> {
    this.#deafen();
    await this.connection.release();
  }
}

/** How often to look: as often as the measurement writes asks for, or seldom where it says so itself. */
class Pace {
  /** The measurement says when it has written. */
  notified = false;
  /** When it last moved, ms since 1970 UTC. */
  #last: number | undefined;
  /** Mean time between two writes, ms. */
  #between = QUIET_MS;

  moved(now: number): void {
    const passed = this.#last === undefined ? undefined : now - this.#last;
    this.#last = now;
    // A rest says nothing about how often it writes.
    if (passed === undefined || passed < 0 || passed > 5000) return;
    this.#between += WEIGHT * (passed - this.#between);
  }

  get active(): number {
    if (this.notified) return QUIET_MS;
    return Math.min(QUIET_MS, Math.max(QUICKEST_MS, Math.round(this.#between / LOOKS_PER_WRITE)));
  }
}
