import { assertEquals } from "../../tests/assert.ts";
import { eventData } from "./event_stream.ts";

async function read(text: string, size: number): Promise<[data: string[], heard: number]> {
  const bytes = new TextEncoder().encode(text);
  const chunks = async function* () {
    for (let i = 0; i < bytes.length; i += size) yield await Promise.resolve(bytes.slice(i, i + size));
  };
  let heard = 0;
  const data: string[] = [];
  for await (const d of eventData(chunks(), () => void heard++)) data.push(d);
  return [data, heard];
}

Deno.test("events are found wherever the network cuts them", async () => {
  const text =
    'event: activity\ndata: {"ü": 1}\n\n:\n\ndata:a\ndata: b\nid: 7\n\nevent: x\r\ndata: c\r\n\r\ndata: cut';
  for (const size of [1, 2, 3, 7, 1000]) {
    const [data, heard] = await read(text, size);
    assertEquals([size, data], [size, ['{"ü": 1}', "a\nb", "c"]]);
    assertEquals(heard, Math.ceil(new TextEncoder().encode(text).length / size));
  }
});
