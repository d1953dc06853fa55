import { assertEquals } from "../../tests/assert.ts";
import { asSub } from "./local_user.ts";

Deno.test("names of users are brought to the 4 to 50 characters that the platform takes", () => {
  assertEquals(asSub("bo"), "bo__");
  assertEquals(asSub("anne"), "anne");
  assertEquals(asSub("x".repeat(60)).length, 50);
});
