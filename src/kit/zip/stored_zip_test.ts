import { join } from "node:path";
import { assertEquals } from "../../../tests/assert.ts";
import { StoredZip } from "./stored_zip.ts";
import { zipEntries } from "./testing.ts";

Deno.test("more entries than the short count can say", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const source = join(folder, "source");
    await Deno.writeTextFile(source, "x");
    const zip = new StoredZip(join(folder, "many.zip"));
    const names = Array.from({ length: 65_600 }, (_, i) => `a/${i}`);
    for (const name of names) zip.add(name, source);
    zip.finish();
    assertEquals(zipEntries(await Deno.readFile(join(folder, "many.zip"))).map((entry) => entry.name), names);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
