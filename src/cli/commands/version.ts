import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { VERSION } from "../../version.ts";

export const version = (cli: Cli) =>
  command("version", {
    summary: "Print the version of this program and of its runtime",
    examples: [["etiket-sync version --json", "for scripts and bug reports"]],
  }).action(() => {
    const data = {
      version: VERSION,
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      os: `${Deno.build.os} ${Deno.osRelease()}`,
      arch: Deno.build.arch,
    };
    cli.print(data, (v) => `etiket-sync ${v.version} (Deno ${v.deno}, ${v.os}, ${v.arch})`);
  });
