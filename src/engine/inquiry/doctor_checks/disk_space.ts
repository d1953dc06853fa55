import { statfs } from "node:fs/promises";
import { type Check, fail, ok, warn } from "./check.ts";

const GB = 1e9;

/** Staging needs room for the files of the items in work; the embedded hub for everything it holds. */
export const diskSpace: Check = {
  id: "disk_space",
  title: "Disk space",
  async run({ home }) {
    const { bavail, bsize } = await statfs(home);
    const free = bavail * bsize;
    const detail = `${(free / GB).toFixed(1)} GB free at ${home}`;
    const fix = "Free some space, or move the state folder to a larger disk and name it with --home.";
    if (free < 0.2 * GB) return fail(detail, fix);
    return free < 2 * GB ? warn(detail, fix) : ok(detail);
  },
};
