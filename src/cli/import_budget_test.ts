/** What starts quickly stays quick: help, version and completion load no HDF5, web server, database or schema library. */
import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { REPOSITORY } from "./test_cli.ts";

const graphSchema = z.object({
  redirects: z.record(z.string(), z.string()).default({}),
  modules: z.array(z.object({
    specifier: z.string(),
    dependencies: z.array(z.object({
      isDynamic: z.boolean().default(false),
      code: z.object({ specifier: z.string().optional() }).optional(),
    })).default([]),
  })),
});

/** Everything that importing a module loads at once. */
async function staticImports(entry: string): Promise<Set<string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: REPOSITORY,
    stderr: "null",
  }).output();
  const graph = graphSchema.parse(JSON.parse(new TextDecoder().decode(stdout)));
  const modules = new Map(graph.modules.map((m) => [m.specifier, m]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    const name = graph.redirects[specifier] ?? specifier;
    if (seen.has(name)) return;
    seen.add(name);
    for (const d of modules.get(name)?.dependencies ?? []) {
      if (!d.isDynamic && d.code?.specifier) visit(d.code.specifier);
    }
  };
  visit([...modules.keys()].find((m) => m.endsWith(`/${entry}`)) ?? entry);
  return seen;
}

Deno.test("help, version and completion stay inside their import budget", async () => {
  const loaded = [...await staticImports("src/cli/main.ts")];
  assert(loaded.some((m) => m.endsWith("/src/cli/commands/version.ts")), "the graph holds the commands");
  const packages = loaded.filter((m) => m.startsWith("npm:")).map((m) => m.replace(/^npm:\/?|@[\d.]+$/g, ""));
  assertEquals(packages.filter((p) => !/commander/.test(p)), []);
  assertEquals(loaded.filter((m) => m === "node:sqlite"), []);
  const engine = loaded.filter((m) =>
    /\/src\/(engine|catalog|hub|platform|readers|transfer|discovery)\//.test(m)
  );
  assertEquals(engine.map((m) => m.replace(/^.*\/src\//, "")), ["engine/inquiry/why_record.ts"]);
});
