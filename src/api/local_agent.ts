/** What the API needs of an agent. */
import type { Agent } from "../engine/agent.ts";

export type LocalAgent = Pick<Agent, "sources" | "mappings" | "items" | "catalog" | "describe">;
