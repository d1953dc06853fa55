import { assertEquals, assertMatch, assertStringIncludes } from "../../tests/assert.ts";
import { checkConfig } from "./config_check.ts";
import type { Config, Field } from "./define_backend.ts";

const field = (name: string, type: Field["type"], more: Partial<Field> = {}): Field => ({
  name,
  type,
  required: false,
  description: `The ${name}.`,
  ...more,
});
const FIELDS: Field[] = [
  field("root_directory", "dir_path", { required: true }),
  field("is_server_folder", "boolean", { default: false, aliases: ["server_folder"] }),
  field("level", "integer", { default: -1 }),
  field("mode", "string", { choices: ["fast", "exact"] }),
  field("interval", "float"),
  field("names", "list"),
  field("options", "dict"),
  field("password", "string", { secret: true, choices: ["sesame"] }),
];
const check = (raw: Config, home = "/home/ada") =>
  checkConfig(FIELDS, raw, { home, defaultTimeZone: "Europe/Amsterdam" });
const problemsOf = (raw: Config) => check({ root_directory: "/", ...raw }).problems;

Deno.test("defaults and the time zone are filled in, aliases get the field's name, null is not given", () => {
  assertEquals(check({ root_directory: "/", server_folder: true, mode: null }), {
    config: { root_directory: "/", is_server_folder: true, level: -1, time_zone: "Europe/Amsterdam" },
    problems: [],
  });
});

Deno.test("unknown and missing keys are named", () => {
  assertEquals(check({ root_dirctory: "/", colour: 1 }).problems, [
    'unknown key "root_dirctory" (did you mean "root_directory"?)',
    'unknown key "colour"',
    '"root_directory" is missing: The root_directory.',
  ]);
  assertMatch(problemsOf({ toString: 1 }).join(), /unknown key "toString"/);
});

Deno.test("a key given by two of its names is refused", () => {
  assertEquals(problemsOf({ server_folder: true, is_server_folder: false }), [
    '"server_folder" and "is_server_folder" are the same setting: give one of them',
  ]);
});

Deno.test("wrong types are refused with the key and what is expected", () => {
  const cases: [Config, string][] = [
    [{ root_directory: 5 }, '"root_directory": expected the path of a folder, got an integer'],
    [{ root_directory: "" }, '"root_directory": expected the path of a folder, got an empty text'],
    [{ server_folder: "yes" }, '"server_folder": expected true or false, got a text'],
    [{ level: 1.5 }, '"level": expected an integer, got a number'],
    [{ level: "1" }, '"level": expected an integer, got a text'],
    [{ interval: NaN }, '"interval": expected a number, got a number'],
    [{ names: "one" }, '"names": expected a list, got a text'],
    [{ options: [] }, '"options": expected a map, got a list'],
    [{ mode: "exakt" }, '"mode": expected one of fast, exact (did you mean "exact"?)'],
  ];
  for (const [raw, problem] of cases) assertEquals(problemsOf(raw), [problem]);
  assertEquals(problemsOf({ interval: 3, names: [], options: {} }), []);
});

Deno.test("a field may accept further types", () => {
  const fields = [field("attributes", "dict", { also: ["list", "dir_path"] })];
  const check = (attributes: unknown) =>
    checkConfig(fields, { attributes }, { home: "/", defaultTimeZone: "UTC" });
  for (const value of [{ a: 1 }, ["a"]]) {
    assertEquals(check(value), { config: { attributes: value, time_zone: "UTC" }, problems: [] });
  }
  assertEquals(check("~").config.attributes, "/");
  assertEquals(check(5).problems, [
    '"attributes": expected a map or a list or the path of a folder, got an integer',
  ]);
});

Deno.test("a secret value is never repeated", () => {
  for (const password of ["sesama", 12345]) {
    const text = problemsOf({ password }).join();
    assertStringIncludes(text, '"password"');
    assertEquals(text.includes(String(password)), false);
  }
});

Deno.test("a time zone is one of IANA, in any letter case", () => {
  assertEquals(check({ root_directory: "/", time_zone: "europe/berlin" }).config.time_zone, "Europe/Berlin");
  assertEquals(problemsOf({ time_zone: "UTC" }), []);
  assertStringIncludes(
    problemsOf({ time_zone: "Europe/Amsterdm" }).join(),
    'did you mean "Europe/Amsterdam"?',
  );
  for (const time_zone of ["+01:00", "", "CEST!"]) {
    assertMatch(problemsOf({ time_zone }).join(), /expected an IANA/);
  }
});

Deno.test({
  name: "paths are stored absolute, without ~, .. and links, whether they exist or not",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const dir = await Deno.realPath(await Deno.makeTempDir());
    try {
      await Deno.mkdir(`${dir}/data`);
      await Deno.symlink(`${dir}/data`, `${dir}/link`);
      const stored = (path: string) => check({ root_directory: path }, dir).config.root_directory;
      assertEquals(stored("~"), dir);
      assertEquals(stored("~/link"), `${dir}/data`);
      assertEquals(stored("~/link/later/x"), `${dir}/data/later/x`);
      assertEquals(stored(`${dir}/data/../link/./`), `${dir}/data`);
      assertEquals(stored("~other"), `${Deno.cwd()}/~other`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
