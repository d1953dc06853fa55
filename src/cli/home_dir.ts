/** Where the state folder is when nobody says so: the per-user data folder of the operating system. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * `--home`, else `ETIKET_SYNC_HOME`, else `<data folder>/etiket-sync`.
 * @returns an absolute path; nothing is created
 */
export function stateFolder(
  option: string | undefined,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
  os: typeof Deno.build.os = Deno.build.os,
): string {
  const named = option ?? environment("ETIKET_SYNC_HOME");
  if (named) return resolve(named);
  return join(dataFolder(environment, os), "etiket-sync");
}

function dataFolder(environment: (name: string) => string | undefined, os: typeof Deno.build.os): string {
  const home = environment(os === "windows" ? "USERPROFILE" : "HOME") || homedir();
  switch (os) {
    case "windows":
      return environment("LOCALAPPDATA") || join(home, "AppData", "Local");
    case "darwin":
      return join(home, "Library", "Application Support");
    default:
      return environment("XDG_DATA_HOME") || join(home, ".local", "share");
  }
}
