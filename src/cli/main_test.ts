/** The contract of the command line that needs no source: exit codes, streams, suggestions. */
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { runCli } from "./test_cli.ts";

/** Exactly one JSON document, and nothing else. */
function document(stdout: string): Record<string, unknown> {
  const value: unknown = JSON.parse(stdout);
  assert(typeof value === "object" && value !== null);
  return { ...value };
}

async function inHome(work: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await work(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("the version is printed for people and as JSON", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  for (const args of [["--version"], ["-V"]]) {
    assertEquals(await runCli(args), { code: 0, stdout: `${version}\n`, stderr: "" });
  }
  assertMatch((await runCli(["version"])).stdout, /^etiket-sync \S+ \(Deno [\d.]+, .+\)\n$/);
  assertEquals(document((await runCli(["version", "--json"])).stdout).version, version);
});

Deno.test("usage errors end with 2, on stderr, with what was probably meant", async () => {
  const cases: [args: string[], message: RegExp][] = [
    [["statsu"], /unknown command 'statsu'\nDid you mean status\?/],
    [["source", "lst"], /unknown command 'lst'\nDid you mean list\?/],
    [["version", "--josn"], /unknown option '--josn'\nDid you mean --json\?/],
    [["source", "add", "x"], /--backend <id>/],
    [["item", "list", "--status", "bad"], /pending, synchronized, error, no_mapping/],
    [["item", "show", "twelve"], /whole number/],
    [["once", "--timeout", "0"], /above 0/],
    [["status", "extra"], /too many arguments/],
    [["source"], /a command is missing/],
    [["once", "--set", "nothing", "--backend", "qcodes"], /"nothing" is not key=value/],
    [["once", "--set", "a=1"], /need --backend/],
    [["serve", "--port", "70000"], /port from 0 to 65535/],
    [["watch", "--home", "/nonexistent"], /no agent serves/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runCli(args);
    assertEquals([args, code, stdout], [args, 2, ""]);
    assertMatch(stderr, message);
  }
});

Deno.test("with --json an error is one document on stdout, wherever the option stands", async () => {
  for (const args of [["--json", "source", "lst"], ["source", "lst", "--json"]]) {
    const { code, stdout } = await runCli(args);
    assertEquals(code, 2);
    assertEquals(document(stdout), {
      error: "unknown_command",
      detail: "unknown command 'lst'",
      hint: "Did you mean list?",
    });
  }
});

Deno.test("an error of the engine has its code, text, hint and exit code", () =>
  inHome(async (home) => {
    const { code, stdout } = await runCli(["source", "show", "nobody", "--json"], { home });
    assertEquals(code, 2);
    const { error, detail, hint } = document(stdout);
    assertEquals(error, "sync_source_not_found");
    assertMatch(String(detail), /nobody/);
    assertMatch(String(hint), /source list/);
  }));

Deno.test("a bad configuration file is a usage error that names the file", () =>
  inHome(async (home) => {
    const file = join(home, "mine.toml");
    await Deno.writeTextFile(file, "[api]\nprot = 1\n");
    const { code, stderr } = await runCli(["config", "show", "--config", file], { home });
    assertEquals(code, 2);
    assertMatch(stderr, /mine\.toml: .*prot/);
  }));

Deno.test("no connection to the platform ends with 5", () =>
  inHome(async (home) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    await Deno.writeTextFile(join(home, "config.toml"), `[platform]\nurl = "http://127.0.0.1:${port}"\n`);
    const { code, stdout } = await runCli(["scope", "list", "--json"], { home });
    assertEquals(code, 5);
    assert(document(stdout).hint !== "");
  }));

Deno.test("--home comes before ETIKET_SYNC_HOME", () =>
  inHome(async (home) => {
    const other = join(home, "other");
    const { stdout } = await runCli(["config", "show", "--json", "--home", other], { home });
    assertEquals(document(stdout).home, other);
    assertEquals(document((await runCli(["config", "show", "--json"], { home })).stdout).home, home);
  }));

Deno.test("every command that prints data prints one JSON document with --json", () =>
  inHome(async (home) => {
    const commands = [
      "source list",
      "source example qcodes",
      "item list",
      "dataset list",
      "scope list",
      "scope create projectX",
      "backend list",
      "backend show qcodes",
      "converter list",
      "converter show csv_to_hdf5",
      "status",
      "errors",
      "verify",
      "doctor",
      "once",
      "once --dry-run",
      "config show",
      "config schema",
      "completion bash",
    ];
    for (const command of commands) {
      const { code, stdout, stderr } = await runCli([...command.split(" "), "--json"], { home });
      assertEquals([command, code, stderr], [command, 0, ""]);
      JSON.parse(stdout);
    }
  }));

Deno.test("a reader that goes away early is no error", async () => {
  const shell = new Deno.Command("bash", {
    args: [
      "-c",
      `set -o pipefail; "${Deno.execPath()}" run -A --quiet main.ts config schema --home /nonexistent | head -c 1`,
    ],
    cwd: new URL("../../", import.meta.url),
  });
  const { code, stderr } = await shell.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});

Deno.test("without a command the help is shown, and that is no error", async () => {
  const { code, stdout } = await runCli([]);
  assertEquals(code, 0);
  assertMatch(stdout, /Examples:[\s\S]*Usage: etiket-sync/);
});
