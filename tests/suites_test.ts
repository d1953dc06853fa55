/** No test is forgotten: the tasks name every room that has some. */
import { assert } from "./assert.ts";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("..", import.meta.url).pathname;

function hasTests(folder: string): boolean {
  return [...Deno.readDirSync(folder)].some((e) =>
    e.isDirectory ? hasTests(`${folder}/${e.name}`) : e.name.endsWith("_test.ts")
  );
}

Deno.test("every room with tests is in a suite", () => {
  const { tasks } = config;
  const named = new Set([tasks.test, tasks["test:simulator"], tasks["test:faults"]].join(" ").split(/\s+/));
  const rooms = ["src", "tests"].flatMap((top) =>
    [...Deno.readDirSync(ROOT + top)].filter((e) => e.isDirectory).map((e) => `${top}/${e.name}`)
  );
  for (const room of [...rooms, "backends", "converters"]) {
    assert(!hasTests(ROOT + room) || named.has(room), `no task runs the tests of ${room}`);
  }
});
