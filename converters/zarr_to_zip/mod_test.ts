import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { convert, copyFolder } from "../../tests/convert.ts";
import { unpackZarrCases } from "../../tests/zarr_fixture.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { zipEntries } from "../../src/kit/zip/testing.ts";
import zarrToZip from "./mod.ts";

Deno.test("all files are packed, hidden ones too, sorted, plain and reproducible", async () => {
  await using cases = await unpackZarrCases();
  const store = cases.store("xarray_v2");
  await Deno.mkdir(join(store, ".hidden"));
  await Deno.writeTextFile(join(store, ".hidden", "µ.txt"), "inside");
  await Deno.writeTextFile(join(store, "empty"), "");
  await using first = await convert(zarrToZip, store);
  assertEquals(first.output.split(/[/\\]/).at(-1), "xarray_v2.zarr.zip");

  const entries = zipEntries(await Deno.readFile(first.output));
  const names = entries.map((entry) => entry.name);
  assert(names.includes(".zattrs") && names.includes("signal/0.0") && names.includes(".hidden/µ.txt"));
  assertEquals(names, names.toSorted());
  for (const { name, content, date, mode } of entries) {
    assertEquals(content, await Deno.readFile(join(store, name)));
    assertEquals([date, mode], ["1980-01-01", 0o100644]);
  }

  // Another place, other times, another order of creation.
  const copy = join(store, "..", "copy", "xarray_v2.zarr");
  await copyFolder(store, copy);
  await Deno.chmod(join(copy, ".zattrs"), 0o600);
  await using second = await convert(zarrToZip, copy);
  assertEquals(await Deno.readFile(second.output), await Deno.readFile(first.output));
});

Deno.test("links and folders without files are refused", async () => {
  const folder = await Deno.makeTempDir({ suffix: ".zarr" });
  try {
    const empty = await assertRejects(() => convert(zarrToZip, folder));
    assert(empty instanceof SyncError && empty.code === "zarr_empty", String(empty));
    if (Deno.build.os === "windows") return;
    await Deno.symlink("/etc/hostname", join(folder, "zarr.json"));
    const link = await assertRejects(() => convert(zarrToZip, folder));
    assert(
      link instanceof SyncError && link.code === "zarr_link" && link.message.includes("zarr.json"),
      String(link),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
