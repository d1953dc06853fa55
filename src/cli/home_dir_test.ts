import { resolve } from "node:path";
import { assertEquals } from "../../tests/assert.ts";
import { stateFolder } from "./home_dir.ts";

const environment = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("--home comes before ETIKET_SYNC_HOME, which comes before the user's data folder", () => {
  const env = environment({ ETIKET_SYNC_HOME: "/from/env", HOME: "/home/u" });
  assertEquals(stateFolder("here", env, "linux"), resolve("here"));
  assertEquals(stateFolder(undefined, env, "linux"), "/from/env");
  assertEquals(
    stateFolder(undefined, environment({ HOME: "/home/u" }), "linux"),
    "/home/u/.local/share/etiket-sync",
  );
});

Deno.test("the data folder is where each system keeps it", () => {
  const xdg = environment({ HOME: "/home/u", XDG_DATA_HOME: "/data/u" });
  assertEquals(stateFolder(undefined, xdg, "linux"), "/data/u/etiket-sync");
  const mac = environment({ HOME: "/Users/u" });
  assertEquals(stateFolder(undefined, mac, "darwin"), "/Users/u/Library/Application Support/etiket-sync");
  const windows = environment({ LOCALAPPDATA: "/C/Users/u/AppData/Local" });
  assertEquals(stateFolder(undefined, windows, "windows"), "/C/Users/u/AppData/Local/etiket-sync");
});
