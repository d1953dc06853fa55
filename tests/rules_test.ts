/** Code cites rules by tag; each cited tag must be explained in docs/RULES.md. */
import { assertEquals } from "./assert.ts";

const ROOT = new URL("..", import.meta.url).pathname;

function* files(dir: string): Generator<string> {
  for (const e of Deno.readDirSync(ROOT + dir)) {
    const path = `${dir}/${e.name}`;
    if (e.isDirectory) yield* files(path);
    else if (e.name.endsWith(".ts")) yield path;
  }
}

Deno.test("every rule that the code cites is in docs/RULES.md", () => {
  const explained = new Set(
    [...Deno.readTextFileSync(`${ROOT}docs/RULES.md`).matchAll(/\*\*([A-Z]\d+a?)\*\*/g)].map((m) => m[1]),
  );
  const cited = new Map<string, string>();
  for (const dir of ["src", "backends", "converters"]) {
    for (const path of files(dir)) {
      for (const [comment] of Deno.readTextFileSync(ROOT + path).matchAll(/\/\*\*[^]*?\*\/|\/\/ .*/g)) {
        for (const [, tags = ""] of comment.matchAll(/\(((?:[A-Z]\d{1,2}a?(?:, | and | to |–)?)+)\)/g)) {
          for (const [tag] of tags.matchAll(/[A-Z]\d{1,2}a?/g)) cited.set(tag, path);
        }
      }
    }
  }
  assertEquals([...cited].filter(([tag]) => !explained.has(tag)), []);
  assertEquals(cited.size > 20, true, "the search for citations finds none");
});
