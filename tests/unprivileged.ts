/** Runs the command line as a user who may read the sources and write nothing but a state folder. */
import { join } from "node:path";
import { type Outcome, REPOSITORY } from "../src/cli/test_cli.ts";

/** The user `nobody`. */
const NOBODY = 65534;

export type Runner = (...args: string[]) => Promise<Outcome>;

/**
 * A runner whose state folder lies below `dir`. Root has to become somebody else first, since it may write anywhere.
 * @returns why it cannot be done on this machine, instead
 */
export async function unprivilegedRunner(dir: string): Promise<Runner | string> {
  const [home, cache] = [join(dir, "home"), join(dir, "cache")];
  for (const folder of [home, cache]) await Deno.mkdir(folder, { recursive: true });
  const isRoot = Deno.uid() === 0;
  if (isRoot) { for (const folder of [dir, home, cache]) await Deno.chown(folder, NOBODY, NOBODY); }
  const prefix = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const env: Record<string, string> = {
    NO_COLOR: "1",
    HOME: home,
    DENO_DIR: cache,
    ETIKET_SYNC_HOME: join(home, "state"),
  };

  const run: Runner = async (...args) => {
    const [program = "", ...rest] = [...prefix, Deno.execPath(), "run", "-A", "--quiet", "main.ts", ...args];
    const { code, stdout, stderr } = await new Deno.Command(program, { args: rest, cwd: REPOSITORY, env })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  try {
    const { code, stderr } = await run("version");
    return code === 0 ? run : `the checkout cannot be used by another user: ${stderr}`;
  } catch (e) {
    return `no way to become another user: ${e}`;
  }
}
