import { assert, assertEquals } from "../../tests/assert.ts";
import { memoryTransfer } from "./memory_transfer.ts";
import { PartConnections, partConnections } from "./part_connections.ts";

const MiB = 1024 * 1024;
const PART = 5 * MiB;

/**
 * Uploads parts over a line on which one connection carries `each` bytes per second and all together no more than `all`.
 * @returns how many connections were open at each part's end
 */
function upload(line: Line, parts: number): number[] {
  const leave = line.connections.enter();
  const open: number[] = [];
  for (let i = 0; i < parts; i++) {
    const n = line.connections.value;
    const rate = Math.min(line.each * n, line.all);
    line.now += 1000 * PART / rate;
    line.connections.arrived(PART, 1000 * PART / (rate / n));
    open.push(n);
  }
  leave();
  return open;
}

interface Line {
  connections: PartConnections;
  now: number;
  each: number;
  all: number;
}

function lineOf(each: number, all: number): Line {
  const line: Line = { connections: new PartConnections({ monotonic: () => line.now }), now: 0, each, all };
  return line;
}

Deno.test("a quick line is filled by one connection", () => {
  assertEquals(new Set(upload(lineOf(30 * MiB, 900 * MiB), 400)), new Set([1]));
});

Deno.test("a narrow line has one connection, but for rare trials of another", () => {
  const open = upload(lineOf(MiB, MiB), 1000);
  assertEquals(Math.max(...open), 2);
  assert(open.filter((n) => n > 1).length < 80, `${open.filter((n) => n > 1).length} parts of 1000`);
});

Deno.test("a long line gets the connections that make it quicker, and keeps them for the next upload", () => {
  const line = lineOf(8 * MiB, 100 * MiB);
  assertEquals(upload(line, 40).at(-1), 3);
  assertEquals(upload(line, 5), [3, 3, 3, 3, 3]);
  const two = lineOf(8 * MiB, 16 * MiB);
  assertEquals(upload(two, 60).at(-1), 2);
});

Deno.test("uploads side by side have one connection each", () => {
  const line = lineOf(8 * MiB, 100 * MiB);
  upload(line, 40);
  const leave = line.connections.enter();
  assertEquals(new Set(upload(line, 40)), new Set([1]));
  leave();
  assertEquals(line.connections.value, 3);
});

Deno.test("each store has a line of its own", () => {
  const transfer = memoryTransfer();
  const env = { monotonic: () => 0 };
  const of = (url: string) => partConnections(transfer, url, env);
  assert(of("https://s3.example.org/a?partNumber=1") === of("https://s3.example.org/b"), "one store");
  assert(of("https://s3.example.org/a") !== of("https://other.example.org/a"), "two stores");
  assert(of("/bucket/a") === of("/bucket/b"), "the embedded hub");
});
