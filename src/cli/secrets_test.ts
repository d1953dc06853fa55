import { assertEquals, assertMatch, assertThrows } from "../../tests/assert.ts";
import { readSecrets, type SecretInput } from "./secrets.ts";

function input(text: string, terminal = false): SecretInput & { raw: boolean[] } {
  const bytes = [...new TextEncoder().encode(text)];
  const raw: boolean[] = [];
  return {
    raw,
    isTerminal: () => terminal,
    setRaw: (on) => void raw.push(on),
    readSync(buffer) {
      const next = bytes.shift();
      if (next === undefined) return null;
      buffer[0] = next;
      return 1;
    },
  };
}

Deno.test("one line of standard input for each secret, in order", () => {
  assertEquals(readSecrets(["user", "password"], input("me\r\ns3 cret=ü\nrest")), {
    user: "me",
    password: "s3 cret=ü",
  });
  assertEquals(readSecrets(["password"], input("no newline")), { password: "no newline" });
  assertEquals(readSecrets(["password"], input("\n")), { password: "" });
});

Deno.test("a missing line is an error that names the secret", () => {
  assertMatch(assertThrows(() => readSecrets(["a", "b"], input("1\n"))).message, /"b"/);
});

Deno.test("on a terminal nothing is echoed, backspace takes a character away, Ctrl-C ends", () => {
  const typed = input("abü\x7fc\r", true);
  const shown: string[] = [];
  assertEquals(readSecrets(["password"], typed, (t) => shown.push(t)), { password: "abc" });
  assertEquals(shown, ["password: ", "\n"]);
  assertEquals(typed.raw, [true, false]);
  const stopped = input("ab\x03", true);
  assertMatch(assertThrows(() => readSecrets(["password"], stopped, () => {})).message, /interrupted/);
  assertEquals(stopped.raw, [true, false]);
});
