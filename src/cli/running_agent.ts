/** The agent that serves a state folder, asked over its local API. */
import { SyncError } from "../kit/errors.ts";
import type { AgentAddress } from "../sdk/agent_address.ts";
import type { SyncClient } from "../sdk/client.ts";
import type { LiveClient } from "../sdk/live_client.ts";

export interface RunningAgent extends AgentAddress {
  client: SyncClient;
  /** Its running measurements. */
  live: LiveClient;
}

/**
 * @param home absolute path of the state folder
 * @returns undefined when no agent serves it (a `once` may still work on it)
 */
export async function runningAgent(home: string): Promise<RunningAgent | undefined> {
  const { join } = await import("node:path");
  const { lockHolder } = await import("../engine/lock.ts");
  const { readAddress } = await import("../sdk/agent_address.ts");
  const { SyncClient } = await import("../sdk/client.ts");
  const { LiveClient } = await import("../sdk/live_client.ts");
  const { get } = await import("../sdk/http.ts");
  const holder = lockHolder(join(home, "agent.lock"));
  const found = holder === undefined ? undefined : await readAddress(home, holder);
  if (!found) return undefined;
  const { token, ...address } = found;
  const { url } = found;
  return {
    ...address,
    client: new SyncClient({ url, token }),
    live: new LiveClient({ url: `${url}/api/v1`, token, get }),
  };
}

/** The agent that serves a state folder. @throws SyncError `agent_not_running` */
export async function servingAgent(home: string): Promise<RunningAgent> {
  const agent = await runningAgent(home);
  if (agent) return agent;
  const { join } = await import("node:path");
  const { lockHolder } = await import("../engine/lock.ts");
  const holder = lockHolder(join(home, "agent.lock"));
  throw new SyncError(
    "usage",
    "agent_not_running",
    holder === undefined
      ? `no agent serves the state folder ${home}`
      : `what works on the state folder ${home} does not answer questions (${holder})`,
    {
      hint: holder === undefined
        ? "Start one: etiket-sync serve"
        : "It is a `once`, or an agent that is just starting: try again in a moment.",
    },
  );
}
