import { createHash } from "node:crypto";
import { join } from "node:path";
import { assertEquals, assertMatch, assertRejects } from "../../../tests/assert.ts";
import { Catalog } from "../../catalog/catalog.ts";
import type { Agent } from "../../engine/agent.ts";
import type { Dataset, FileRecord } from "../../platform/client.ts";
import { downloadDataset, newestVersions } from "./download_dataset.ts";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

function file(name: string, text: string, more: Partial<FileRecord> = {}): FileRecord {
  return {
    name,
    filename: name.split("/").at(-1) ?? name,
    uuid: `uuid-${name}`,
    version_id: 1,
    creator: "",
    collected: null,
    size: text.length,
    type: "TEXT",
    file_generator: null,
    ranking: 0,
    created: null,
    modified: null,
    immutable: true,
    md5_checksum: md5(text),
    etag: null,
    status: "secured",
    S3_link: `data:,${text}`,
    S3_validity: null,
    ...more,
  };
}

function dataset(...files: FileRecord[]): Dataset {
  return {
    uuid: "d",
    alt_uid: null,
    collected: "",
    name: "",
    creator: "",
    description: null,
    notes: null,
    keywords: [],
    ranking: 0,
    created: null,
    modified: null,
    scope: { uid: "s", name: "s", description: "", is_archived: false, created: null, modified: null },
    attributes: {},
    files,
  };
}

/** A platform whose links hold the bytes; the content md5 of every file is "content". */
async function withPlatform(
  work: (
    download: (d: Dataset, to: string) => ReturnType<typeof downloadDataset>,
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const catalog = Catalog.open(join(folder, "catalog.db"));
  const agent = {
    catalog,
    client: {
      readFile: () => Promise.resolve(null),
      download: async (url: string) => (await fetch(url)).body ?? new Blob([]).stream(),
    },
    readers: { run: () => Promise.resolve({ content_md5: "content" }) },
  } as unknown as Agent;
  try {
    await work((d, to) => downloadDataset(agent, d, to), folder);
  } finally {
    catalog.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("of each file the newest secured version is taken", () => {
  const files = [
    file("b", "1"),
    file("a", "1", { version_id: 1 }),
    file("a", "2", { version_id: 2 }),
    file("a", "3", { version_id: 3, status: "pending" }),
    file("c", "1", { status: "announced" }),
  ];
  assertEquals(newestVersions(dataset(...files)).map((f) => [f.name, f.version_id]), [["a", 2], ["b", 1]]);
});

Deno.test("a recorded content md5 is enough for a netCDF file, and only for that", () =>
  withPlatform(async (download, folder) => {
    const netcdf = file("m.hdf5", "bytes", { type: "HDF5_NETCDF", md5_checksum: "content" });
    const [done] = await download(dataset(netcdf), folder);
    assertEquals(await Deno.readTextFile(done?.path ?? ""), "bytes");
    const text = file("m.txt", "bytes", { md5_checksum: "content" });
    assertMatch((await assertRejects(() => download(dataset(text), folder))).message, /"m\.txt" .* md5/);
  }));

Deno.test("a wrong recorded size is forgiven when the md5 of the bytes is right, else not", () =>
  withPlatform(async (download, folder) => {
    const [done] = await download(dataset(file("a", "four", { size: 99 })), folder);
    assertEquals(done?.size, 4);
    const wrong = file("b", "four", { size: 99, md5_checksum: null });
    assertMatch(
      (await assertRejects(() => download(dataset(wrong), folder))).message,
      /4 bytes instead of 99/,
    );
  }));

Deno.test("a refused file leaves nothing, and does not touch one that was there", () =>
  withPlatform(async (download, folder) => {
    const to = join(folder, "to");
    await Deno.mkdir(to);
    await Deno.writeTextFile(join(to, "a"), "mine");
    await assertRejects(() => download(dataset(file("a", "x", { md5_checksum: md5("y") })), to));
    assertEquals([...Deno.readDirSync(to)].map((e) => e.name), ["a"]);
    assertEquals(await Deno.readTextFile(join(to, "a")), "mine");
  }));

Deno.test("a link in the folder does not lead out of it", () =>
  withPlatform(async (download, folder) => {
    const [to, outside] = [join(folder, "to"), join(folder, "outside")];
    await Deno.mkdir(to);
    await Deno.mkdir(outside);
    await Deno.symlink(outside, join(to, "sub"));
    assertMatch(
      (await assertRejects(() => download(dataset(file("sub/x/a", "x")), to))).message,
      /leads out/,
    );
    await Deno.writeTextFile(join(outside, "target"), "theirs");
    await Deno.symlink(join(outside, "target"), join(to, "b"));
    await download(dataset(file("b", "x")), to);
    assertEquals(await Deno.readTextFile(join(outside, "target")), "theirs");
    assertEquals([...Deno.readDirSync(outside)].map((e) => e.name), ["target"]);
  }));
