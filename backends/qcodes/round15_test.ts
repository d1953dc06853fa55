import { assertEquals } from "../../tests/assert.ts";
import { round15 } from "./round15.ts";

/** Numbers whose 16th digit is 5, and their neighbours: where a shortcut would round the wrong way. */
function* hardNumbers(): Generator<number> {
  let seed = 12345;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  for (let i = 0; i < 20_000; i++) {
    const digits = Math.floor(1e14 + random() * 9e14);
    const exponent = Math.floor(random() * 60) - 45;
    yield Number(`${digits}5e${exponent}`);
    yield Number(`${digits}.4999e${exponent}`);
    yield (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20);
    yield 10 ** exponent * (1 - 2 ** -53);
  }
}

Deno.test("15 significant digits, exactly as decimal rounding gives them", () => {
  for (const value of hardNumbers()) {
    for (const v of [value, -value]) {
      const expected = Number.isInteger(v) ? v : Number(v.toPrecision(15));
      if (!Object.is(round15(v), expected)) assertEquals(round15(v), expected, String(v));
    }
  }
});

Deno.test("whole numbers keep all digits; what is not finite stays", () => {
  for (const v of [0, -0, 2 ** 53, 1152921504606846976, NaN, Infinity, -Infinity]) {
    assertEquals(round15(v), v);
  }
});
