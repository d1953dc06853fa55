/** How the executable starts itself as a reader process. */
import { fileURLToPath } from "node:url";

/**
 * The command line of a reader process.
 * @param load URLs of modules with backends and converters besides the built-in ones
 */
export function readerCommand(load: readonly string[]): { program: string; args: string[] } {
  const args = ["__reader", ...load.flatMap((url) => ["--load", url])];
  const launcher = Deno.env.get("ETIKET_SELF");
  if (launcher) return { program: launcher, args };
  if (Deno.build.standalone) return { program: Deno.execPath(), args };
  return { program: Deno.execPath(), args: ["run", "-A", "--quiet", mainModule(), ...args] };
}

/** main.ts of this checkout; a bundle is one file, which is its own main module. */
function mainModule(): string {
  const inCheckout = import.meta.url.endsWith("/src/readers/launch.ts");
  const url = inCheckout ? new URL("../../main.ts", import.meta.url).href : Deno.mainModule;
  return url.startsWith("file:") ? fileURLToPath(url) : url;
}
