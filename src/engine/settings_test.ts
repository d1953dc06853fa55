import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { readSettings } from "./settings.ts";

function refusal(text: string): SyncError {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(join(folder, "config.toml"), text);
    const error = assertThrows(() => readSettings(join(folder, "config.toml"), true));
    assert(error instanceof SyncError);
    return error;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a file that is no TOML is refused with the place, and without quoting it: there may be a password", () => {
  const error = refusal('[[sources]]\nname = "lab"\n[sources.config]\npassword = "swordfish\nport = 1\n');
  assertEquals(error.code, "config_invalid");
  assertMatch(error.message, /config\.toml: line 4, column \d+: \S/);
  assert(!JSON.stringify(error.toData()).includes("swordfish"), error.stack);
});

Deno.test("a setting that does not exist is refused by its name", () => {
  assertMatch(refusal('[secrets]\nstore = "paper"\n').message, /secrets\.store/);
});
