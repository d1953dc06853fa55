/** Frames of our own against numcodecs' decoder, which is c-blosc. */
import { Buffer } from "node:buffer";
import blosc from "numcodecs/blosc";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { bloscFrame } from "./blosc_frame.ts";

const decoder = blosc.fromConfig({ id: "blosc" });

/** Bytes of a detector: little-endian counts around a level, with little noise. */
function counts(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) data[i] = i % 2 === 0 ? (i * 7919) % 31 : 4;
  return data;
}

function noise(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let i = 0, state = 1; i < bytes; i++) data[i] = (state = Math.imul(state, 1103515245) + 12345) >>> 16;
  return data;
}

for (const itemBytes of [1, 2, 4, 8]) {
  Deno.test(`c-blosc decodes what was encoded with items of ${itemBytes} bytes`, async () => {
    // One element, less and more than a block, exact blocks, and a last block of any length.
    for (const bytes of [8, 128, 1000, 1024 * 1024 - 8, 2 * 1024 * 1024 + 24]) {
      for (const data of [counts(bytes), noise(bytes), new Uint8Array(bytes)]) {
        const frame = bloscFrame(data, itemBytes);
        assert(frame.length <= bytes + 16, "a frame is never longer than bytes and header");
        assertEquals(Buffer.compare(await decoder.decode(frame), data), 0, `${bytes} bytes`);
      }
    }
  });
}

Deno.test("blocks that shrink and blocks that do not go into one frame", async () => {
  const block = 1024 * 1024;
  const data = new Uint8Array(3 * block);
  data.set(noise(block), block);
  const frame = bloscFrame(data, 4);
  assert(frame.length > block && frame.length < 1.1 * block);
  assertEquals(Buffer.compare(await decoder.decode(frame), data), 0);
});

Deno.test("numbers that vary little shrink to less than half, which needs the shuffle", () => {
  assert(bloscFrame(counts(512 * 1024), 2).length < 256 * 1024);
});
