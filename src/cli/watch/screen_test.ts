import { assertEquals } from "../../../tests/assert.ts";
import { Screen } from "./screen.ts";

Deno.test("the screen is entered once, redrawn in place and given back once", () => {
  let written = "";
  const screen = new Screen({ write: (t) => void (written += t), size: () => ({ columns: 80, rows: 4 }) });
  assertEquals(written, "\x1b[?1049h\x1b[?25l");
  written = "";
  screen.draw(["one", "two"]);
  assertEquals(written, "\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J");
  written = "";
  screen.note("gone");
  assertEquals(written, "\x1b[Hone\x1b[K\r\ntwo\x1b[K\r\n\x1b[K\r\ngone\x1b[K\x1b[J");
  written = "";
  screen.close();
  screen.close();
  screen.draw(["late"]);
  assertEquals(written, "\x1b[?25h\x1b[?1049l");
});
