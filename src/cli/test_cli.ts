/** Runs the real command line in a process of its own, for tests. */
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** The packages are there, for the tests run: not looking for them again saves time. */
const RUN = ["run", "-A", "--quiet", "--node-modules-dir=manual", "main.ts"];

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export async function runCli(
  args: string[],
  options: { home?: string; stdin?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...RUN, ...args],
    cwd: REPOSITORY,
    env: {
      NO_COLOR: "1",
      ETIKET_SYNC_NATIVE: "off",
      ...(options.home === undefined ? {} : { ETIKET_SYNC_HOME: options.home }),
      ...options.env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(options.stdin ?? ""));
  await input.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Starts a command and does not wait; what it prints is not kept. */
export function spawnCli(args: string[], options: { home: string }): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...RUN, ...args],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1", ETIKET_SYNC_HOME: options.home },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Runs a command that must succeed with `--json`, and returns its document. */
export async function runJson(args: string[], home: string): Promise<unknown> {
  const { code, stdout, stderr } = await runCli([...args, "--json"], { home });
  if (code !== 0) throw new Error(`etiket-sync ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}
