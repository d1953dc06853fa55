import { type Check, ok, warn } from "./check.ts";

const COMFORTABLE = { watches: 65_536, instances: 64 };

/** Linux gives each user a budget of watched folders; the default of older systems is small. */
export const inotifyLimits: Check = {
  id: "inotify",
  title: "Watch limits",
  async run() {
    if (Deno.build.os !== "linux") return ok("this system has no such limit");
    const [watches, instances] = await Promise.all([limit("max_user_watches"), limit("max_user_instances")]);
    if (watches === null || instances === null) return ok("this system does not tell its limits");
    const detail = `${watches} watches, ${instances} instances for each user`;
    if (watches >= COMFORTABLE.watches && instances >= COMFORTABLE.instances) return ok(detail);
    return warn(
      detail,
      "Sources with more folders are scanned every few seconds instead. Raise it: sudo sysctl fs.inotify.max_user_watches=524288 " +
        "fs.inotify.max_user_instances=512 (to keep it, put both into /etc/sysctl.d/).",
    );
  },
};

async function limit(name: string): Promise<number | null> {
  try {
    return Number((await Deno.readTextFile(`/proc/sys/fs/inotify/${name}`)).trim());
  } catch {
    return null;
  }
}
