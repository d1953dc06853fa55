/** Where the agent of a state folder answers: a file beside its lock, and its token, for programs of the same user. */
import { join } from "node:path";
import { z } from "zod";

const Address = z.object({
  pid: z.number(),
  /** Base address, such as `http://localhost:10410`. */
  url: z.string(),
  /** ISO UTC. */
  started: z.string(),
  version: z.string(),
});
export type AgentAddress = z.infer<typeof Address>;

/** File of the capability token in a state folder. */
export function tokenPath(home: string): string {
  return join(home, "api.token");
}

function addressPath(home: string): string {
  return join(home, "agent.json");
}

export async function writeAddress(home: string, address: AgentAddress): Promise<void> {
  const path = addressPath(home);
  const draft = `${path}.${address.pid}`;
  await Deno.writeTextFile(draft, `${JSON.stringify(address, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(draft, path);
}

export async function removeAddress(home: string): Promise<void> {
  await Deno.remove(addressPath(home)).catch(() => {});
}

/**
 * The address and token of the agent that holds a state folder.
 * @param holder what the lock file says of its holder: an address that a killed agent left is not taken for its own
 */
export async function readAddress(
  home: string,
  holder: string,
): Promise<AgentAddress & { token: string } | undefined> {
  try {
    const address = Address.parse(JSON.parse(await Deno.readTextFile(addressPath(home))));
    if (!holder.startsWith(`pid ${address.pid},`)) return undefined;
    return { ...address, token: (await Deno.readTextFile(tokenPath(home))).trim() };
  } catch {
    return undefined;
  }
}
