import { assertEquals, assertMatch } from "../../tests/assert.ts";
import { type Message, messageSchema } from "./protocol.ts";
import { ReaderOutput } from "./reader_output.ts";
import { encode, MARKER } from "./wire.ts";

const MiB = 1024 * 1024;

/** Lets a reader process print these chunks, one every `intervalMs`; returns what was made of them. */
async function print(chunks: Iterable<Uint8Array>, { intervalMs = 0, stdout = true } = {}) {
  const messages: Message[] = [];
  const faults: string[] = [];
  let now = 0;
  const output = new ReaderOutput(messageSchema, {
    onMessage: (m) => messages.push(m),
    onProtocolError: (reason) => faults.push(reason),
    onFlood: (reason) => faults.push(reason),
  }, () => now += intervalMs);
  await output.read(ReadableStream.from(chunks), stdout);
  return { messages, faults, tail: output.tail };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const ready = `${MARKER}${encode({ type: "ready" })}\n`;

function* repeat(chunk: Uint8Array, times: number) {
  for (let i = 0; i < times; i++) yield chunk;
}

Deno.test("messages are picked out of noise, the last lines of which are kept without stack frames", async () => {
  const noise = ["one", "two", "three", "", "error: x", "    at f (file:///x.ts:1:1)", "four", "five", "six"];
  const printed = noise.slice(0, 3).join("\n") + "\n" + ready + noise.slice(3).join("\n") + "\n";
  const { messages, faults, tail } = await print([bytes(printed)]);
  assertEquals(messages, [{ type: "ready" }]);
  assertEquals(faults, []);
  assertEquals(tail, "three | error: x | four | five | six");
});

Deno.test("on stderr nothing is a message", async () => {
  assertEquals((await print([bytes(ready)], { stdout: false })).messages, []);
});

Deno.test("much output is no flood as long as it stays below every limit", async () => {
  const lines = bytes(("x".repeat(1023) + "\n").repeat(1024));
  assertEquals((await print(repeat(lines, 63))).faults, []);
  assertEquals((await print(repeat(lines, 1000), { intervalMs: 100 })).faults, []);
});

Deno.test("floods: too much a second, too long a line however slow, too much in all", async () => {
  const lines = bytes(("x".repeat(1023) + "\n").repeat(1024));
  const noNewline = new Uint8Array(MiB).fill(120);
  assertMatch((await print(repeat(lines, 65))).faults.join(), /bytes a second/);
  assertMatch((await print(repeat(noNewline, 65), { intervalMs: 500 })).faults.join(), /a line of more than/);
  assertMatch(
    (await print(repeat(lines, 1025), { intervalMs: 500 })).faults.join(),
    /^more than 1073741824 bytes$/,
  );
});
