/** The agent that serves a state folder, asked over its local API. */
import type { AgentAddress } from "../sdk/agent_address.ts";
import type { SyncClient } from "../sdk/client.ts";

export interface RunningAgent extends AgentAddress {
  client: SyncClient;
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
  const holder = lockHolder(join(home, "agent.lock"));
  const found = holder === undefined ? undefined : await readAddress(home, holder);
  if (!found) return undefined;
  const { token, ...address } = found;
  return { ...address, client: new SyncClient({ url: found.url, token }) };
}
