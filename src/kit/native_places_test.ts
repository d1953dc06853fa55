import { join } from "node:path";
import { assertEquals } from "../../tests/assert.ts";
import { nativeFolders, nativePlaces } from "./native_places.ts";

const on = (os: string, home: string, variables: Record<string, string> = {}) => ({
  os,
  home,
  variable: (name: string) => variables[name],
});

async function withHome(test: (home: string) => void): Promise<void> {
  const home = await Deno.realPath(await Deno.makeTempDir());
  try {
    test(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function makeDatabase(folder: string): string {
  Deno.mkdirSync(join(folder, "sql"), { recursive: true });
  Deno.writeTextFileSync(join(folder, "sql", "etiket_db.sql"), "");
  return folder;
}

Deno.test("the newest generation's place comes first on every system", () => {
  assertEquals(nativePlaces(on("linux", "/home/a", { XDG_DATA_HOME: "/x" })), [
    "/x/quantum_machines/etiket",
    "/home/a/.dataQruiser/data/qdrive",
  ]);
  assertEquals(nativePlaces(on("linux", "/home/a"))[0], "/home/a/.local/share/quantum_machines/etiket");
  assertEquals(nativePlaces(on("darwin", "/Users/a")), [
    "/Users/a/Library/Application Support/quantum_machines/etiket",
    "/Users/a/Library/Containers/com.qdrive.dataQruiser/Data/qdrive",
  ]);
  assertEquals(
    nativePlaces(on("win32", "/U/a", { LOCALAPPDATA: "/U/a/L" }))[0],
    "/U/a/L/quantum_machines/etiket",
  );
});

Deno.test("places without a database are none; an old place that is a link to the new one counts once", () =>
  withHome((home) => {
    const linux = on("linux", home);
    assertEquals(nativeFolders(linux), []);
    const [place = "", old = ""] = nativePlaces(linux);
    Deno.mkdirSync(place, { recursive: true });
    assertEquals(nativeFolders(linux), []);
    makeDatabase(place);
    Deno.mkdirSync(join(old, ".."), { recursive: true });
    Deno.symlinkSync(place, old);
    assertEquals(nativeFolders(linux), [place]);
    assertEquals(nativeFolders(on("linux", home, { ETIKET_SYNC_NATIVE: "off" })), []);
  }));

Deno.test("an old database counts where there is no new one", () =>
  withHome((home) => {
    const old = makeDatabase(join(home, ".dataQruiser", "data", "qdrive"));
    assertEquals(nativeFolders(on("linux", home)), [old]);
  }));
