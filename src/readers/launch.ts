/** How the executable starts itself in another role, such as a reader process. */
import { fileURLToPath } from "node:url";

/**
 * The command line of a child process.
 * @param role its first argument, by which main.ts knows what to be
 * @param load URLs of modules with backends and converters besides the built-in ones
 */
export function roleCommand(role: string, load: readonly string[]): { program: string; args: string[] } {
  const args = [role, ...load.flatMap((url) => ["--load", url])];
  const launcher = Deno.env.get("ETIKET_SELF");
  if (launcher) return { program: launcher, args };
  if (Deno.build.standalone) return { program: Deno.execPath(), args };
  // The packages are there, for this process runs: not looking again saves a quarter of a second.
  const packages = IN_CHECKOUT ? ["--node-modules-dir=manual"] : [];
  return { program: Deno.execPath(), args: ["run", "-A", "--quiet", ...packages, mainModule(), ...args] };
}

/** The program runs from its sources. */
export const IN_CHECKOUT = import.meta.url.endsWith("/src/readers/launch.ts");

/** main.ts of this checkout; a bundle is one file, which is its own main module. */
function mainModule(): string {
  const url = IN_CHECKOUT ? new URL("../../main.ts", import.meta.url).href : Deno.mainModule;
  return url.startsWith("file:") ? fileURLToPath(url) : url;
}
