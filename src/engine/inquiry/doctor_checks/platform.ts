import { SyncError } from "../../../kit/errors.ts";
import { type Check, fail, noAgent, ok, warn } from "./check.ts";

/** Reachable, and logged in (the embedded platform needs no login). */
export const platformReachable: Check = {
  id: "platform",
  title: "Platform and login",
  async run(context) {
    if (!context.agent) return noAgent(context);
    const { client } = context.agent;
    try {
      const [user, scopes] = await Promise.all([client.me(), client.scopes()]);
      const detail = `${client.baseUrl} answers; user ${user.sub}, ${scopes.length} scope(s)`;
      return scopes.some((s) => !s.is_archived)
        ? ok(detail)
        : warn(detail, "Ask for access to a scope, or make one: etiket-sync scope create NAME");
    } catch (e) {
      const error = SyncError.from(e);
      return fail(
        `${client.baseUrl}: ${error.message}`,
        error.hint || "Check the network and `platform.url`.",
      );
    }
  },
};

const TOLERATED_MS = 60_000;

/** A wrong clock gives wrong file times and expired links (U10). */
export const clock: Check = {
  id: "clock",
  title: "Clock",
  async run(context) {
    if (!context.agent) return noAgent(context);
    const { client } = context.agent;
    try {
      await client.scopes();
    } catch (e) {
      return warn(
        `not compared: ${SyncError.from(e).message}`,
        "Repair the connection to the platform first.",
      );
    }
    const seconds = Math.round(client.clockOffsetMs / 1000);
    if (Math.abs(client.clockOffsetMs) <= TOLERATED_MS) {
      return ok(`within ${TOLERATED_MS / 1000} s of the platform`);
    }
    return warn(
      `this computer's clock is ${Math.abs(seconds)} s ${seconds > 0 ? "behind" : "ahead of"} the platform's`,
      "Switch on automatic time in the system's settings; uploads work all the same.",
    );
  },
};
