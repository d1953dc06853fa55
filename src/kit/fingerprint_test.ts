import { assertEquals } from "../../tests/assert.ts";
import { tickOf } from "./fingerprint.ts";

Deno.test("a time stamp in whole seconds is taken for one of a coarse clock", () => {
  const at = (mtime_ns: string) => tickOf({ size: 1, mtime_ns, file_id: "1:1" }) > 1000;
  assertEquals([at("1700000000000000000"), at("1700000000000000001")], [true, false]);
});
