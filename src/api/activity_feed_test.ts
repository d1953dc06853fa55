import { assert, assertEquals } from "../../tests/assert.ts";
import { ActivityFeed } from "./activity_feed.ts";

/** What the stream brings next, as the data of its event. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<unknown> {
  const { value, done } = await reader.read();
  if (done) return "end";
  const text = new TextDecoder().decode(value);
  assert(text.startsWith("event: activity\ndata: ") && text.endsWith("\n\n"), text);
  return JSON.parse(text.slice(22));
}

function opened(feed: ActivityFeed): ReadableStreamDefaultReader<Uint8Array> {
  const stream = feed.open();
  assert(stream);
  return stream.getReader();
}

Deno.test("every listener gets what is now, then each change, and the end", async () => {
  let state = 1;
  const feed = new ActivityFeed(() => ({ state }), 1);
  const [a, b] = [opened(feed), opened(feed)];
  assertEquals([await next(a), await next(b)], [{ state: 1 }, { state: 1 }]);
  state = 2;
  assertEquals([await next(a), await next(b)], [{ state: 2 }, { state: 2 }]);
  feed.close();
  assertEquals([await next(a), await next(b), feed.open()], ["end", "end", undefined]);
});

Deno.test("nobody is looked at while nobody listens", async () => {
  let looks = 0;
  const feed = new ActivityFeed(() => ({ looks: ++looks }), 1);
  const reader = opened(feed);
  await next(reader);
  await next(reader);
  await reader.cancel();
  const before = looks;
  // A timer that was left behind would fire now, and fail the test as a leak.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(looks, before);
  feed.close();
});

Deno.test("who reads slowly gets the last state, and not all between", async () => {
  let state = 0;
  let looks = 0;
  const feed = new ActivityFeed(() => {
    looks++;
    return { state: Math.min(++state, 50) };
  }, 1);
  const reader = opened(feed);
  while (looks < 60) await new Promise((resolve) => setTimeout(resolve, 5));
  const seen: unknown[] = [];
  let last: unknown;
  do {
    last = await next(reader);
    seen.push(last);
  } while (JSON.stringify(last) !== '{"state":50}');
  assert(seen.length < 20, `${seen.length} messages waited for the reader`);
  feed.close();
});

Deno.test("a look that fails ends no stream", async () => {
  let state = 1;
  const feed = new ActivityFeed(() => {
    if (state === 2) {
      state = 3;
      throw new Error("the disk is full");
    }
    return { state };
  }, 1);
  const reader = opened(feed);
  assertEquals(await next(reader), { state: 1 });
  state = 2;
  assertEquals(await next(reader), { state: 3 });
  feed.close();
});

Deno.test("the number of listeners is bounded", async () => {
  const feed = new ActivityFeed(() => ({}), 1000);
  const streams = Array.from({ length: 64 }, () => feed.open());
  assert(streams.every((s) => s !== undefined));
  assertEquals(feed.open(), undefined);
  await streams[0]?.cancel();
  assert(feed.open());
  feed.close();
});
