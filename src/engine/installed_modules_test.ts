import { Catalog } from "../catalog/catalog.ts";
import { assertEquals } from "../../tests/assert.ts";
import { createReaderPool } from "../readers/pool.ts";
import { moduleStamp } from "../readers/module_stamp.ts";
import type { ReaderPool } from "../readers/tasks.ts";
import { installedModules } from "./installed_modules.ts";

Deno.test("installed modules are asked for once for each state of the program, and remembered as they were said", async () => {
  const pool = createReaderPool();
  const catalog = Catalog.open(":memory:");
  try {
    let asked = 0;
    const readers: Pick<ReaderPool, "run"> = {
      run: (kind, input, options) => {
        asked++;
        return pool.run(kind, input, options);
      },
    };
    const said = await installedModules(catalog, readers);
    assertEquals([asked, said.broken], [1, []]);
    assertEquals(await installedModules(catalog, readers), said);
    assertEquals(asked, 1);
    // Another program.
    assertEquals(await installedModules(catalog, readers, (version) => `${version} other`), said);
    assertEquals(asked, 2);
    // What was remembered cannot be read.
    catalog.setFact("installed_modules", `${catalog.getFact("installed_modules")?.slice(0, 80)}`);
    assertEquals(await installedModules(catalog, readers, (version) => `${version} other`), said);
    assertEquals(asked, 3);
    assertEquals(await installedModules(catalog, readers, () => undefined), said);
    assertEquals(asked, 4);
  } finally {
    catalog.close();
    await pool.close();
  }
});

Deno.test("the stamp of the modules is that of files that exist, and names the version", () => {
  const stamp = moduleStamp("1.2.3") ?? "";
  assertEquals(stamp.split("\n")[0], "1.2.3");
  assertEquals(stamp, moduleStamp("1.2.3"));
  assertEquals(/backends\/folderbase\/mod\.ts \d+/.test(stamp), true);
});
