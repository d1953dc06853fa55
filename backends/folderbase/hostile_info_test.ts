import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { folderbaseFacts, unpackFolderbase } from "../../tests/folderbase_fixture.ts";
import { readDataset, readFailure, withDataset } from "../../tests/read_folderbase.ts";
import { SyncError } from "../../src/kit/errors.ts";

/** Reads it; anything but a draft or `info_file_invalid` fails the test. */
async function outcome(root: string, path: string): Promise<"draft" | "invalid"> {
  try {
    const draft = await readDataset(root, path);
    assertEquals(JSON.parse(JSON.stringify(draft)), draft);
    return "draft";
  } catch (e) {
    if (e instanceof SyncError && e.code === "info_file_invalid" && e.class === "data") return "invalid";
    throw e;
  }
}

Deno.test("300 damaged info files: each gives a draft or says what is wrong with it", async () => {
  await using fixture = await unpackFolderbase();
  const facts = (await folderbaseFacts()).filter((f) =>
    f.files_on_disk[0]!.size > 0 && f.root === "level_any"
  );
  let seed = 42;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const counts = { draft: 0, invalid: 0 };
  for (let i = 0; i < 300; i++) {
    const { root, dataset } = facts[i % facts.length]!;
    const path = join(fixture.root, root, dataset, "_QH_dataset_info.yaml");
    const original = await Deno.readFile(path);
    if (original.length === 0) continue;
    const damaged = original.slice();
    for (let n = 1 + random(4); n > 0; n--) damaged[random(damaged.length)]! ^= 1 << random(8);
    await Deno.writeFile(path, damaged);
    counts[await outcome(join(fixture.root, root), dataset)]++;
    await Deno.writeFile(path, original);
  }
  assert(counts.draft > 30 && counts.invalid > 30, JSON.stringify(counts));
});

Deno.test("aliases that would fill the memory, endless nesting and recursion are refused", async () => {
  let bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (let i = 1; i < 12; i++) bomb += `a${i}: &a${i} [${Array(9).fill(`*a${i - 1}`)}]\n`;
  const long = `x: &x ${"y".repeat(500_000)}\n`;
  for (
    const info of [
      `${bomb}attributes: {a: *a11}\n`,
      `${bomb}converters: {a_to_b_converter: *a11}\n`,
      `${long}attributes: {a: [${Array(100).fill("*x")}]}\n`,
      "attributes: &a {a: *a}\n",
      "attributes: {a: " + "[".repeat(20_000) + "]".repeat(20_000) + "}\n",
      "attributes: {a: " + "[".repeat(300) + "]".repeat(300) + "}\n",
      "- ".repeat(20_000),
    ]
  ) {
    await withDataset(info, ["a.txt"], async (root) => {
      assertEquals(await outcome(root, "set"), "invalid", info.slice(0, 60));
    });
  }
  await withDataset(bomb, ["a.txt"], async (root) => {
    assertEquals(await outcome(root, "set"), "draft", "unused aliases cost nothing");
  });
});

Deno.test("texts that are slow to parse elsewhere come to an end here", async () => {
  for (
    const info of ["? ".repeat(500), "a: &a\n".repeat(2000), "x: 1\n".repeat(20_000), "!a ".repeat(2000)]
  ) {
    await withDataset(info, ["a.txt"], async (root) => {
      await outcome(root, "set");
    });
  }
});

Deno.test("keys and tags with a meaning elsewhere are plain text here", async () => {
  const info = `
__proto__: {polluted: 1}
attributes:
  __proto__: {polluted: 2}
  constructor: x
  run: !!python/object/apply:os.system ["touch /tmp/x"]
tags: &t [one, two]
keywords: *t
description: &d
  text
`;
  await withDataset(info, ["a.txt"], async (root) => {
    const draft = await readDataset(root, "set");
    assertEquals(Object.keys(draft.attributes), ["__proto__", "constructor", "run"]);
    assertEquals(draft.attributes.run, ["touch /tmp/x"]);
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
    assertEquals(draft.keywords, ["one", "two"]);
  });
});

Deno.test("an alias stands for the last anchor of its name before it", async () => {
  const info = "attributes: {a: &x 1, b: &x 2, c: *x}\ntags: [*x]\ndescription: *nowhere\n";
  await withDataset(info.replace("description: *nowhere\n", ""), [], async (root) => {
    const draft = await readDataset(root, "set");
    assertEquals([draft.attributes.c, draft.keywords], [2, ["2"]]);
  });
  await withDataset(info, [], async (root) => {
    assertMatch((await readFailure(root, "set")).message, /line 3, column 14: there is no anchor "nowhere"/);
  });
});

Deno.test("a key given twice: the last one counts, with a log", async () => {
  await withDataset("dataset_name: a\ndataset_name: b\nattributes: {x: 1, x: 2}\n", [], async (root) => {
    const draft = await readDataset(root, "set");
    assertEquals([draft.name, draft.attributes], ["b", { x: 2 }]);
    assertEquals(draft.logs?.map((l) => l.code), ["duplicate_key", "duplicate_key"]);
  });
});

Deno.test("thousands of odd values make a hundred logs", async () => {
  const info = Array.from({ length: 5000 }, (_, i) => `key${i}: 1\n`).join("");
  await withDataset(info, [], async (root) => {
    const { logs } = await readDataset(root, "set");
    assertEquals([logs!.length, logs!.at(-1)!.code], [100, "more_warnings"]);
  });
});

Deno.test("info files that are too large, not UTF-8, several documents: the place is named", async () => {
  const message = async (info: string | Uint8Array) => {
    let text = "";
    await withDataset(info, ["a.txt"], async (root) => {
      const e = await readFailure(root, "set");
      assertEquals(e.code, "info_file_invalid");
      text = e.message;
    });
    return text;
  };
  assertMatch(await message("# " + "x".repeat(1024 * 1024)), /larger than 1048576 bytes/);
  const latin1 = new Uint8Array([...new TextEncoder().encode("tags: [a]\nunit: "), 0xb5, 0x56]);
  assertMatch(await message(latin1), /line 2, column 7: the text is not UTF-8/);
  assertMatch(await message("a: 1\n---\nb: 2\n"), /line 2, column 1: /);
  assertMatch(await message("just text"), /line 1, column 1: a map of keys is expected/);
});

Deno.test({
  name: "an info file that is a pipe is not opened, one that links out of the source is not read",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withDataset(null, ["a.txt", "../shared.yaml"], async (root) => {
      const info = join(root, "set", "_QH_dataset_info.yaml");
      await new Deno.Command("mkfifo", { args: [info] }).output();
      assertEquals(await outcome(root, "set"), "invalid");
      await Deno.remove(info);
      await Deno.symlink("/etc/hostname", info);
      assertMatch((await readFailure(root, "set")).message, /leads out of the source/);
      await Deno.remove(info);
      await Deno.symlink("../shared.yaml", info);
      await Deno.writeTextFile(join(root, "shared.yaml"), "dataset_name: shared\n");
      assertEquals((await readDataset(root, "set")).name, "shared");
    });
  },
});
