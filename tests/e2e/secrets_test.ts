/** A database's password goes through everything a user may do with it, and turns up nowhere (G5). */
import { join } from "node:path";
import { z } from "zod";
import { type Outcome, runCli } from "../../src/cli/test_cli.ts";
import { OnceSchema, only, Workspace } from "../agent_process.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../assert.ts";
import { PostgresServer } from "../postgres_server.ts";

const DUMP = new URL("../fixtures/core_tools/core_tools.sql", import.meta.url);
/** Nothing that a pattern for passwords would notice, with signs that change in JSON, links and shells. */
const PASSWORD = `Kanarie/7+vogel "zingt"&luid`;
const LATER = `Parkiet/8+vogel "fluit"&zacht`;
const WRONG = `Kraai/9+vogel "krast"&hees`;

/** The forms in which a text may quote a secret. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    // Inside a longer text it begins at any of three places of a group; the ends depend on their neighbours.
    const groups = btoa("x".repeat(shift) + secret).replace(/=+$/, "");
    return groups.slice(shift === 0 ? 0 : 4, -2);
  });
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    encodeURI(secret),
    ...base64,
  ];
}

const FORBIDDEN = [PASSWORD, LATER, WRONG].flatMap(formsOf);

function assertClean(text: string, where: string): void {
  const found = FORBIDDEN.find((form) => text.includes(form));
  assert(found === undefined, `${where} has ${found}`);
}

/** @returns the files that were looked through */
async function assertCleanFolder(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) files.push(...await assertCleanFolder(path));
    else {
      assertClean(new TextDecoder("latin1").decode(await Deno.readFile(path)), path);
      files.push(path);
    }
  }
  return files;
}

/** Arguments and environment of all processes that work on a state folder. @returns how many there are */
async function assertCleanProcesses(home: string): Promise<number> {
  let processes = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const read = (file: string) => Deno.readTextFile(`/proc/${name}/${file}`).catch(() => "");
    const environment = await read("environ");
    if (!environment.includes(home)) continue;
    assertClean(environment, `the environment of ${name}`);
    assertClean(await read("cmdline"), `the command line of ${name}`);
    processes++;
  }
  return processes;
}

const Sources = z.array(
  z.object({ id: z.number(), name: z.string(), config_data: z.record(z.string(), z.unknown()) }),
);
const ErrorReply = z.looseObject({ error: z.string(), detail: z.string() });

Deno.test("a password is used, and is in no output, file, argument or answer", async () => {
  await using space = await Workspace.make();
  await using server = await PostgresServer.start();
  await server.createRole("reader", { password: PASSWORD });
  await server.createDatabase("coretools", "reader");
  await server.loadSql("coretools", "reader", DUMP);

  /** Runs a command that must end with this code; what it prints must be clean. */
  const run = async (code: number, args: string[], secret?: string): Promise<Outcome> => {
    const outcome = await runCli([...args, "--verbose"], {
      home: space.home,
      ...(secret === undefined ? {} : { stdin: `${secret}\n` }),
    });
    const said = `${outcome.stdout}\n${outcome.stderr}`;
    assertEquals(outcome.code, code, `${args.join(" ")}:\n${said}`);
    assertClean(said, args.join(" "));
    return outcome;
  };
  const settings = ["dbname=coretools", "user=reader", `host=${server.host}`, `port=${server.port}`];
  const options = [
    "--backend",
    "core_tools",
    ...settings.flatMap((s) => ["--set", s]),
    "--secret",
    "password",
  ];

  const refused = await run(2, ["source", "add", "lab", ...options, "--json"], WRONG);
  assertStringIncludes(refused.stdout, "sync_source_config_error");
  await run(0, ["source", "add", "lab", ...options, "--scope", "default"], PASSWORD);
  const first = OnceSchema.parse(JSON.parse((await run(0, ["once", "--json"])).stdout));
  const { items_total, items_synchronized } = only(first.sources);
  assert(items_total >= 12 && items_synchronized >= 9, `it reads with the password: ${items_synchronized}`);

  // Another password on the server: the source says so, until it has the new one too.
  await server.query("postgres", `ALTER ROLE reader PASSWORD '${LATER}'`);
  await run(2, ["source", "update", "lab", "--secret", "password"], WRONG);
  const stale = await run(3, ["once", "--json"]);
  assertEquals(only(OnceSchema.parse(JSON.parse(stale.stdout)).sources).status, "error");

  await using agent = await space.serve();
  const ask = async (path: string, init: RequestInit = {}): Promise<[number, string]> => {
    const answer = await fetch(`${agent.url}/api/v1/sync${path}`, {
      ...init,
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${agent.token}` },
    });
    const text = await answer.text();
    assertClean(text, path);
    return [answer.status, text];
  };
  const before = only(Sources.parse(JSON.parse((await ask("/sources"))[1])));
  assertEquals(before.config_data.password, undefined);
  const change = (password: string) => ({
    method: "PATCH",
    body: JSON.stringify({ config_data: { password } }),
  });
  const [status, reply] = await ask(`/sources/${before.id}`, change(WRONG));
  assertEquals([status, ErrorReply.parse(JSON.parse(reply)).error], [422, "sync_source_config_error"]);
  assertEquals((await ask(`/sources/${before.id}`, change(LATER)))[0], 200);
  await agent.until("the source works again", ({ sources }) => {
    const source = only(sources);
    return source.status === "scanning" && source.items_synchronized === items_synchronized;
  });
  if (Deno.build.os === "linux") {
    assert(await assertCleanProcesses(space.home) >= 2, "the agent and a reader process");
  }
  for (const path of [`/sources/${before.id}`, `/sources/${before.id}/errors`, "/items", "/agent/status"]) {
    await ask(path);
  }
  assertClean((await agent.end()).stderr, "what serve prints");

  const item = Object.values(await space.items())[0];
  const shown = [
    ["source", "show", "lab"],
    ["source", "errors", "lab"],
    ["status"],
    ["item", "show", String(item?.id)],
    ["config", "show"],
  ];
  await Promise.all([...shown.map((args) => run(0, [...args, "--json"])), run(0, ["doctor"])]);
  const files = await assertCleanFolder(space.home);
  assert(files.some((f) => f.endsWith(".sealed")) && files.some((f) => f.endsWith(".key")), files.join("\n"));
  // The search would find it.
  await Deno.writeTextFile(space.path("home", "logs", "probe"), btoa(`password: ${LATER}, port`));
  await assertRejects(() => assertCleanFolder(space.home));
});
