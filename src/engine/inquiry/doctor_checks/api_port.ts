import { lockHolder } from "../../lock.ts";
import { type Check, noAgent, ok, warn } from "./check.ts";

/** The local API's port must be free, or taken by the agent of this state folder. */
export const apiPort: Check = {
  id: "port",
  title: "Port of the local API",
  run(context) {
    if (!context.agent) return noAgent(context);
    const { port } = context.agent.settings.api;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return ok(`${port} is free`);
    } catch (e) {
      if (!(e instanceof Deno.errors.AddrInUse)) {
        return warn(
          `${port} cannot be used: ${e instanceof Error ? e.message : e}`,
          "Choose another one: api.port in config.toml.",
        );
      }
      const holder = lockHolder(context.agent.home.lockPath);
      if (holder) return ok(`${port} is in use, and an agent runs on this state folder (${holder})`);
      return warn(
        `another program uses ${port}`,
        "End that program, or choose another port: api.port in config.toml.",
      );
    }
  },
};
