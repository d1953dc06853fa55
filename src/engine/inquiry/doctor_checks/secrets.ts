import { join } from "node:path";
import { secretsGiven } from "../../sources/source_secrets.ts";
import { type Check, type CheckResult, noAgent, ok, warn } from "./check.ts";

/** Passwords and tokens: nobody but the user can read the files they are in. */
export const secrets: Check = {
  id: "secrets",
  title: "Passwords",
  async run(context) {
    const { agent } = context;
    if (!agent) return noAgent(context);
    const { backends } = await agent.describe();
    const inSettings = agent.settings.sources.some(({ name, config }) => {
      const backend = agent.catalog.sources.byName(name)?.backend;
      const fields = backends.find((b) => b.identifier === backend)?.fields ?? [];
      return Object.keys(secretsGiven(fields, config)).length > 0;
    });
    const { configPath, secretsDir } = agent.home;
    const results: CheckResult[] = [];
    if (inSettings && await isOpen(configPath)) {
      results.push(
        warn(`${configPath} holds a password, and other users can read it`, `Run: chmod 600 "${configPath}"`),
      );
    }
    const files = await filesIn(secretsDir);
    for (const path of files) {
      if (await isOpen(path)) results.push(warn(`other users can read ${path}`, `Run: chmod 600 "${path}"`));
    }
    if (results.length > 0) return results;
    return ok(files.length === 0 ? "none are kept" : "sealed, and for this user alone");
  },
};

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}

/** Whether its mode lets others read a file; on Windows the profile's own protection counts. */
async function isOpen(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path).catch(() => ({ mode: null }));
  return Deno.build.os !== "windows" && mode !== null && (mode & 0o077) !== 0;
}
