import { assertEquals, assertMatch } from "../../tests/assert.ts";
import { databaseOf, validate } from "./config.ts";
import coreTools from "./mod.ts";
import { checkConfig } from "../../src/kit/config_check.ts";

async function withFile(
  content: string | Uint8Array,
  work: (path: string) => Promise<void> | void,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    await work(path);
  } finally {
    await Deno.remove(path);
  }
}

const server = (config_file: string, more: Record<string, unknown> = {}) => {
  const { host, port, dbname, user, password } = databaseOf({ config_file, ...more }).server;
  return [host, port, dbname, user, password];
};

const LOCAL = `
local_database:
    user: local user
    password: 0123
    database: measurement_data
`;
const REMOTE = `
remote_database:
    user: me
    password: "yyyyy!"
    database: group_data
    address: server.example.org:5421
`;

Deno.test("the forms of core-tools' configuration file", async (t) => {
  const forms: [string, string, unknown[]][] = [
    ["local database", `setup: A\n${LOCAL}`, ["localhost", 5432, "measurement_data", "local user", "0123"]],
    ["remote database", REMOTE, ["server.example.org", 5421, "group_data", "me", "yyyyy!"]],
    ["both: the local one", LOCAL + REMOTE, ["localhost", 5432, "measurement_data", "local user", "0123"]],
    [
      "both: the one that the data browser looks at",
      `${LOCAL}${REMOTE}\ndatabrowser:\n    datasource: remote\n`,
      ["server.example.org", 5421, "group_data", "me", "yyyyy!"],
    ],
    [
      "arguments at the top",
      "user: a\npasswd: b\ndbname: c\nhost: pc\nport: 5433\n",
      ["pc", 5433, "c", "a", "b"],
    ],
    ["arguments below a key", "storage:\n  server: pc\n  user: a\n  dbname: c\n", [
      "pc",
      5432,
      "c",
      "a",
      undefined,
    ]],
  ];
  for (const [name, yaml, expected] of forms) {
    await t.step(name, () => withFile(yaml, (path) => assertEquals(server(path), expected)));
  }
  await t.step(
    "what it does not say comes from the other fields",
    () =>
      withFile("user: a\ndbname: c\n", (path) => {
        assertEquals(server(path, { password: "p", host: "pc", port: 5444 }), ["pc", 5444, "c", "a", "p"]);
      }),
  );
});

Deno.test("what is not a core-tools configuration is refused in words, without quoting it", async (t) => {
  const problems = async (path: string) => (await validate({ config_file: path })).join();
  for (
    const [name, content] of Object.entries({
      "an SQLite database": new TextEncoder().encode("SQLite format 3\0\x10\x00\xff\xfe secret words"),
      "broken YAML": "user: [secret words\n  : }",
      "a list": "- secret words",
      "no database named": "user: secret words\nhost: pc\n",
      "empty": "",
    })
  ) {
    await t.step(name, () =>
      withFile(content, async (path) => {
        const problem = await problems(path);
        assertMatch(problem, /db_path.* is not a core-tools configuration .*no SQLite form/);
        assertEquals(problem.includes("secret words"), false);
      }));
  }
  await t.step("no file, a folder", async () => {
    assertMatch(await problems("/no/such/file.yaml"), /does not exist/);
    assertMatch(await problems("/"), /is not a file/);
  });
  await t.step("neither a file nor a database", async () => {
    assertMatch((await validate({ user: "a" })).join(), /^dbname missing/);
    assertMatch((await validate({})).join(), /^dbname and user missing/);
  });
});

Deno.test("the fields: db_path stands for config_file, the password is a secret", () => {
  const options = { home: "/home/u", defaultTimeZone: "UTC" };
  const { config, problems } = checkConfig(coreTools.fields, { db_path: "~/ct_config.yaml" }, options);
  assertEquals([problems, config.config_file, config.host, config.port], [
    [],
    "/home/u/ct_config.yaml",
    "localhost",
    5432,
  ]);
  assertEquals(coreTools.fields.filter((f) => f.secret).map((f) => f.name), ["password"]);
});
