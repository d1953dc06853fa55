import { assertEquals } from "../assert.ts";
import { PartMeter } from "./part_meter.ts";

const put = (part: number, size: number, body: string) =>
  new TextEncoder().encode(
    `PUT /b/k?uploadId=u&partNumber=${part} HTTP/1.1\r\nContent-Length: ${size}\r\n\r\n${body}`,
  );

Deno.test("what a part had reached counts as sent again, what lies behind it does not", () => {
  const meter = new PartMeter();
  const first = meter.connection();
  const request = put(1, 10, "0123456");
  for (const byte of request) first.sent(new Uint8Array([byte]));
  assertEquals([meter.fresh, meter.again, meter.underWay.size], [7, 0, 1]);
  first.ended();
  assertEquals(meter.underWay.size, 0);
  const second = meter.connection();
  second.sent(put(1, 10, "0123456789"));
  assertEquals([meter.fresh, meter.again], [10, 7]);
  second.sent(put(2, 4, "0123"));
  second.sent(new TextEncoder().encode("GET /b/k HTTP/1.1\r\n\r\n"));
  second.sent(put(2, 4, "0123"));
  assertEquals([meter.fresh, meter.again], [14, 11]);
});

Deno.test("parts on two connections are two parts under way", () => {
  const meter = new PartMeter();
  meter.connection().sent(put(1, 10, "0"));
  meter.connection().sent(put(2, 10, "0"));
  assertEquals(meter.underWay.size, 2);
});

Deno.test("bytes of a body without a head were sent in vain", () => {
  const meter = new PartMeter();
  meter.connection().sent(new TextEncoder().encode("megabyte 1"));
  assertEquals([meter.fresh, meter.again, meter.underWay.size], [0, 10, 0]);
});
