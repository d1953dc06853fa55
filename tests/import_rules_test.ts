/** Imports point one way (docs/ARCHITECTURE.md); this test is what keeps them so. */
import { assertEquals } from "./assert.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** Who may import whom; a room may always import itself. `kit` knows nothing of the rest, so plug-ins lack nothing. */
const ALLOWED: Record<string, readonly string[]> = {
  "main.ts": ["cli", "readers"],
  cli: ["api", "sdk", "engine", "platform", "readers", "kit", "version.ts"],
  // Over HTTP alone: what the dashboard, scripts and the command line see of an agent.
  sdk: ["kit", "live"],
  api: ["engine", "live", "kit"],
  // The stream of running measurements: the agent fills it, its API and the hub offer it.
  live: ["kit", "env.ts"],
  engine: [
    "catalog",
    "discovery",
    "live",
    "platform",
    "readers",
    "secrets",
    "transfer",
    "kit",
    "env.ts",
    "version.ts",
  ],
  catalog: ["kit"],
  discovery: ["kit", "env.ts"],
  transfer: ["platform", "kit", "env.ts"],
  platform: ["kit", "env.ts"],
  hub: ["live", "kit", "env.ts"],
  secrets: ["kit"],
  readers: ["backends", "converters", "kit", "env.ts"],
  backends: ["kit"],
  converters: ["kit"],
  kit: [],
  "env.ts": ["kit"],
  "version.ts": ["deno.json"],
};

/** The composition root is the one place that may know the hub: it hands its `fetch` to the platform client. */
const EXCEPTIONS = new Set(["src/engine/agent.ts -> hub"]);

function sources(dir: string): string[] {
  return [...Deno.readDirSync(ROOT + dir)].flatMap((e) => {
    const path = `${dir}/${e.name}`;
    if (e.isDirectory) return sources(path);
    const isSource = e.name.endsWith(".ts") && !e.name.endsWith("_test.ts");
    return isSource && !/\/(testing|test_modules)\/|\/test(ing|_[a-z]+)\.ts$/.test(path) ? [path] : [];
  });
}

const FILES = ["main.ts", ...["src", "backends", "converters"].flatMap(sources)];

/** Relative imports of a file, static, dynamic and re-exported, as paths from the root. */
function importsOf(path: string): string[] {
  const text = Deno.readTextFileSync(ROOT + path);
  const found = text.matchAll(
    /^(?:import|export)\b[^;]*?from "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)|^import "(\.[^"]+)"/gm,
  );
  return [...found].map((m) => new URL(m[1] ?? m[2] ?? m[3] ?? "", `file:///${path}`).pathname.slice(1));
}

function roomOf(path: string): string {
  const parts = path.split("/");
  return (parts[0] === "src" ? parts[1] : parts[0]) ?? path;
}

Deno.test("every import points the allowed way", () => {
  const wrong = FILES.flatMap((path) =>
    importsOf(path).flatMap((target) => {
      const [from, to] = [roomOf(path), roomOf(target)];
      const allowed = from === to || ALLOWED[from]?.includes(to) || EXCEPTIONS.has(`${path} -> ${to}`);
      return allowed ? [] : [`${path} -> ${target}`];
    })
  );
  assertEquals(wrong, []);
});

Deno.test("a backend or converter knows no other one", () => {
  const wrong = FILES.filter((f) => /^(backends|converters)\//.test(f)).flatMap((path) => {
    const own = path.split("/").slice(0, 2).join("/");
    return importsOf(path).filter((t) => /^(backends|converters)\//.test(t) && !t.startsWith(`${own}/`)).map((
      t,
    ) => `${path} -> ${t}`);
  });
  assertEquals(wrong, []);
});

Deno.test("there is no import cycle", () => {
  const graph = new Map(FILES.map((f) => [f, importsOf(f)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const f of FILES) visit(f, []);
  assertEquals(cycles, []);
});
