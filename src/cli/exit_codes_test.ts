import { assertEquals } from "../../tests/assert.ts";
import type { ErrorClass } from "../kit/errors.ts";
import { exitCodeOf } from "./exit_codes.ts";

Deno.test("exit codes follow the class of the error", () => {
  const expected: Record<ErrorClass, number> = {
    usage: 2,
    auth: 4,
    permission: 4,
    network: 5,
    busy: 1,
    local: 1,
    source: 1,
    platform: 1,
    data: 1,
    converter: 1,
    reader: 1,
    internal: 1,
  };
  for (const [cls, code] of Object.entries(expected)) {
    assertEquals(exitCodeOf({ code: "x", class: cls as ErrorClass }), code, cls);
  }
  assertEquals(exitCodeOf({ code: "agent_running", class: "usage" }), 6);
});
