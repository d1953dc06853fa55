import { join } from "node:path";
import { type Check, fail, ok, warn } from "./check.ts";

export const stateFolder: Check = {
  id: "state_folder",
  title: "State folder",
  async run({ home }) {
    const probe = join(home, `.doctor-${crypto.randomUUID()}`);
    try {
      await Deno.writeTextFile(probe, "probe", { createNew: true });
      await Deno.remove(probe);
    } catch (e) {
      return fail(
        `${home} is not writable: ${e instanceof Error ? e.message : e}`,
        "Give your user write permission there, or choose another folder with --home or ETIKET_SYNC_HOME.",
      );
    }
    const { mode } = await Deno.stat(home);
    if (Deno.build.os !== "windows" && mode !== null && (mode & 0o077) !== 0) {
      return warn(
        `${home} is writable, and other users of this computer can look into it`,
        `Run: chmod 700 "${home}"`,
      );
    }
    return ok(`${home} is writable`);
  },
};
