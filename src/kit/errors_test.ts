import { assertEquals } from "../../tests/assert.ts";
import { SyncError } from "./errors.ts";

Deno.test("an error crosses a process border whole, with its causes and its stack", () => {
  const root = new Error("EIO");
  const e = new SyncError("busy", "file_locked", "x is locked", {
    hint: "wait",
    cause: new Error("read", { cause: root }),
  });
  const data = JSON.parse(JSON.stringify(e.toData()));
  assertEquals(data.causes, ["read", "EIO"]);
  assertEquals(SyncError.fromData(data).toData(), data);
});

Deno.test("anything thrown becomes an error that asks to be reported", () => {
  for (const thrown of [new TypeError("oops"), "oops"]) {
    const { class: cls, code, message, hint } = SyncError.from(thrown);
    assertEquals([cls, code, message, hint.includes("bug")], ["internal", "internal_error", "oops", true]);
  }
});
