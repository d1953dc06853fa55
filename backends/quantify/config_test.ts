import { join } from "node:path";
import { assert, assertEquals } from "../../tests/assert.ts";
import { checkConfig } from "../../src/kit/config_check.ts";
import { FIELDS, validate } from "./config.ts";
import quantify from "./mod.ts";
import { tempFolder, TUID } from "./testing.ts";

const problems = (quantify_directory: string) => validate({ quantify_directory, set_up: "s" });

Deno.test("what cannot be used is said in one sentence", async () => {
  await using temp = await tempFolder();
  const root = join(temp.path, "data");
  const day = join(root, "20241105");
  const container = join(day, `${TUID}-T1`);
  await Deno.mkdir(container, { recursive: true });
  await Deno.writeTextFile(join(temp.path, "file"), "");
  assertEquals(problems(root), []);
  assertEquals(problems(join(temp.path, "gone")), [
    `quantify_directory: "${join(temp.path, "gone")}" does not exist`,
  ]);
  assertEquals(problems(join(temp.path, "file")), [
    `quantify_directory: "${join(temp.path, "file")}" is not a directory`,
  ]);
  assertEquals(problems(day), [
    `quantify_directory: "${day}" looks like the day folder, choose its parent: "${root}"`,
  ]);
  assertEquals(problems(container), [
    `quantify_directory: "${container}" looks like one measurement, choose the folder above its day folder: "${root}"`,
  ]);
});

Deno.test("a day folder is known by what it holds, or by its name", async () => {
  await using temp = await tempFolder();
  const isRefused = async (name: string, ...entries: string[]) => {
    const root = join(temp.path, name);
    await Deno.mkdir(root);
    for (const entry of entries) await Deno.mkdir(join(root, entry));
    return problems(root).length > 0;
  };
  assertEquals(await isRefused("renamed", TUID), true);
  assertEquals(await isRefused("20241105"), true);
  assertEquals(await isRefused("empty"), false);
  assertEquals(await isRefused("stray", TUID, "20241105"), false);
  assertEquals(await isRefused("20241106", "20241105"), false);
});

Deno.test("keys, types and defaults of the configuration", () => {
  const check = (raw: Record<string, unknown>) =>
    checkConfig(FIELDS, raw, { home: "/home/u", defaultTimeZone: "UTC" });
  const { config, problems } = check({ quantify_directory: "~/q", set_up: "XLD" });
  assertEquals(problems, []);
  assertEquals(config, {
    quantify_directory: "/home/u/q",
    set_up: "XLD",
    is_server_folder: false,
    upload_raw: false,
    time_zone: "UTC",
  });
  assertEquals([quantify.rootPath(config), quantify.isServerFolder(config)], ["/home/u/q", false]);
  assertEquals([quantify.level, quantify.single_file, quantify.scope_policy], [2, false, "REQUIRED"]);
  const wrong = check({ quantify_directry: "/q", set_up: 3, upload_raw: "yes" }).problems.join("\n");
  assert(/unknown key "quantify_directry".*quantify_directory/.test(wrong), wrong);
  assert(
    /"set_up": expected a text/.test(wrong) && /"upload_raw": expected true or false/.test(wrong),
    wrong,
  );
});
