import { join } from "node:path";
import { type Check, ok, warn } from "./check.ts";

const PATIENCE_MS = 3000;

/** Writes a probe file and waits for its event: the only proof that watching works here. */
export const fileEvents: Check = {
  id: "file_events",
  title: "File-system events",
  async run({ home }) {
    const name = `.doctor-event-${crypto.randomUUID()}`;
    const probe = join(home, name);
    let watcher: Deno.FsWatcher;
    try {
      watcher = Deno.watchFs(home, { recursive: false });
    } catch (e) {
      return silent(`the watch on ${home} was refused: ${e instanceof Error ? e.message : e}`);
    }
    const timer = setTimeout(() => watcher.close(), PATIENCE_MS);
    try {
      const started = performance.now();
      await Deno.writeTextFile(probe, "probe");
      for await (const event of watcher) {
        if (event.paths.some((p) => p.endsWith(name))) {
          return ok(`an event arrived after ${(performance.now() - started).toFixed(1)} ms`);
        }
      }
      return silent(`no event for a new file in ${home} within ${PATIENCE_MS / 1000} s`);
    } finally {
      clearTimeout(timer);
      try {
        watcher.close();
      } catch {
        // The timer closed it.
      }
      await Deno.remove(probe).catch(() => {});
    }
  },
};

function silent(detail: string) {
  return warn(
    detail,
    "Nothing is lost: folders are scanned regularly instead. Local disks give events, shares do not.",
  );
}
