/** An agent that serves, and every command beside it, each in a process of its own. */
import { join } from "node:path";
import { z } from "zod";
import { folderSource, only, Workspace, writeDataset } from "../../tests/agent_process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../tests/assert.ts";
import { Activity } from "../sdk/schemas.ts";
import { REPOSITORY } from "./test_cli.ts";

const Status = z.looseObject({
  running: z.string().nullable(),
  agent: z.looseObject({ state: z.string(), url: z.string(), pid: z.number() }).nullable(),
});

const add = (name: string, root: string) => ["source", "add", name, ...folderSource(root)];

Deno.test("serve syncs what other processes add, tells what it does, and ends in good order", async (t) => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "run 1"), { "a.txt": "1" });
  await using agent = await w.serve();

  await t.step("a source added by another process is synced, and what appears later too", async () => {
    await w.json(...add("raw", w.path("data")));
    await agent.synchronized(1);
    await writeDataset(w.path("data", "run 2"), { "a.txt": "2" });
    await agent.synchronized(2);
    assertEquals((await w.datasets()).length, 2);
  });

  await t.step("status asks it", async () => {
    const status = Status.parse(await w.json("status"));
    assertEquals([status.agent?.state, status.agent?.url, status.agent?.pid], [
      "running",
      agent.url,
      agent.pid,
    ]);
    const { stdout } = await w.run("status");
    assertMatch(
      stdout,
      new RegExp(`agent +running \\(pid ${agent.pid}, .*\\), ${agent.url}\\nstate +running\\n`),
    );
  });

  await t.step("watch --once shows it, for people and for scripts", async () => {
    const { stdout } = await w.run("watch", "--once");
    for (const part of ["running since", "raw", "scanning", "embedded platform"]) {
      assertStringIncludes(stdout, part);
    }
    const now = Activity.parse(await w.json("watch", "--once"));
    assertEquals(now.sources.map((s) => [s.name, s.items_synchronized]), [["raw", 2]]);
  });

  await t.step("another agent on the state folder ends with 6, whatever it is to do", async () => {
    assertEquals((await w.failure(6, "once")).error, "agent_running");
    assertEquals((await w.failure(6, "serve", "--port", "0")).error, "agent_running");
  });

  await t.step("watch in a pipe tells each change in a line, until the agent ends", async () => {
    const [text, json] = [follow(w), follow(w, "--json")];
    await text.until("raw: scanning, 2 of 2 synchronized");
    await json.until('"items_synchronized":2');
    await w.json("source", "stop", "raw");
    await text.until("raw: stopped, 2 of 2 synchronized");
    const lines = await json.until('"status":"stopped"');
    for (const line of lines.trimEnd().split("\n")) Activity.parse(JSON.parse(line));

    const { code, stderr } = await agent.end("SIGINT");
    assertEquals([code, stderr], [0, "Ending; what is unfinished goes on at the next start.\n"]);
    assertEquals([await text.ended, await json.ended], [0, 0]);
  });

  await t.step("afterwards there is nothing to watch", async () => {
    const { error, hint } = await w.failure(2, "watch");
    assertEquals(error, "agent_not_running");
    assertStringIncludes(hint, "etiket-sync serve");
    const { running, agent } = Status.parse(await w.json("status"));
    assertEquals([running, agent], [null, null]);
    const left = [...Deno.readDirSync(w.home)].map((e) => e.name);
    assert(left.includes("api.token") && !left.includes("agent.json"), left.join(" "));
  });
});

Deno.test("an agent that was killed is not taken for a running one, and a new one takes its place", async () => {
  await using w = await Workspace.make();
  const killed = await w.serve();
  const watching = follow(w);
  await watching.until("agent: running");
  await killed.end("SIGKILL");
  assertEquals(await watching.ended, 5, "a stream that breaks off is no good end");
  assertEquals(Status.parse(await w.json("status")).agent, null);
  assertEquals((await w.failure(2, "watch", "--once")).error, "agent_not_running");
  await using next = await w.serve();
  assertEquals(next.token, killed.token);
  assertEquals(Status.parse(await w.json("status")).agent?.pid, next.pid);
});

Deno.test("a port that is taken ends serve with 2 and leaves the state folder free", async () => {
  await using w = await Workspace.make();
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { error, hint } = await w.failure(2, "serve", "--port", String(other.addr.port));
  assertEquals([error, hint.includes("--port")], ["port_taken", true]);
  assertEquals(Status.parse(await w.json("status")).running, null);
});

Deno.test("the port of the configuration file is the one that is used", async () => {
  await using w = await Workspace.make();
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  await Deno.mkdir(w.home);
  await Deno.writeTextFile(join(w.home, "config.toml"), `[api]\nport = ${port}\n`);
  const { detail } = await w.failure(2, "serve");
  other.close();
  assertStringIncludes(detail, `port ${port} of 127.0.0.1`);
});

Deno.test("a second signal ends serve at once", async () => {
  await using w = await Workspace.make();
  await using agent = await w.serve();
  Deno.kill(agent.pid, "SIGTERM");
  const { code } = await agent.end("SIGTERM");
  assert(code === 130 || code === 0, `ended with ${code}`);
});

Deno.test("every command works beside a serving agent", async () => {
  await using w = await Workspace.make();
  await writeDataset(w.path("data", "run 1"), { "a.txt": "1" });
  await writeDataset(w.path("more", "run 1"), { "b.txt": "1" });
  await using agent = await w.serve();
  await w.json(...add("raw", w.path("data")));
  await w.json(...add("more", w.path("more")));
  await agent.synchronized(2);
  const dataset = (await w.datasets())[0]?.uuid ?? "";
  const commands = [
    ["scope", "create", "projectX"],
    ["scope", "list"],
    ["source", "list"],
    ["source", "show", "raw"],
    ["source", "update", "raw", "--set", "auto_converters=false"],
    ["source", "rename", "raw", "renamed"],
    ["source", "map", "renamed", "a", "projectX"],
    ["source", "unmapped", "renamed"],
    ["source", "autoassign", "renamed"],
    ["source", "unmap", "renamed", "a"],
    ["source", "errors", "renamed"],
    ["source", "stop", "renamed"],
    ["source", "start", "renamed"],
    ["source", "reset", "renamed", "--all"],
    ["source", "remove", "more"],
    ["item", "list"],
    ["item", "show", "1"],
    ["item", "prioritize", "1"],
    ["item", "reset", "1"],
    ["dataset", "show", dataset],
    ["dataset", "download", dataset, "--to", w.path("download")],
    ["errors"],
    ["why", w.path("data", "run 1", "a.txt")],
    ["verify"],
    ["doctor"],
    ["once", "--dry-run"],
  ];
  for (const command of commands) await w.json(...command);
  const { sources } = await agent.synchronized(1);
  assertEquals(only(sources).name, "renamed");
  assertEquals((await w.datasets()).length, 2, "what was reset is no second dataset");
});

Deno.test({
  name: "on a terminal watch is a screen of its own, waits for an agent that restarts, and ends with q",
  ignore: !hasScript(),
  fn: async () => {
    await using w = await Workspace.make();
    const first = await w.serve();
    const command = `'${Deno.execPath()}' run -A --quiet main.ts watch`;
    const terminal = new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", command, "/dev/null"],
      cwd: REPOSITORY,
      env: { ETIKET_SYNC_HOME: w.home, TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const screen = new Followed(terminal);
    await screen.until("q ends this view");
    assert(screen.text.startsWith("\x1b[?1049h"), JSON.stringify(screen.text.slice(0, 40)));
    await first.end();
    await screen.until("waiting for it to come back");
    const drawn = screen.text.length;
    await using _second = await w.serve();
    await screen.until("running since", drawn);
    const keys = terminal.stdin.getWriter();
    await keys.write(new TextEncoder().encode("q"));
    assertEquals(await screen.ended, 0);
    assert(screen.text.trimEnd().endsWith("\x1b[?25h\x1b[?1049l"), JSON.stringify(screen.text.slice(-40)));
    await keys.close();
  },
});

function hasScript(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    return new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/** Only a failing test waits that long. */
const PATIENCE_MS = 60_000;

/** Standard output of a process, as it comes. */
class Followed {
  text = "";
  readonly ended: Promise<number>;
  #more = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(child: Deno.ChildProcess) {
    const read = async () => {
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        this.text += chunk;
        this.#more.resolve();
        this.#more = Promise.withResolvers();
      }
      this.#more.reject(new Error(`the output ended:\n${this.text}`));
      this.#more.promise.catch(() => {});
    };
    const reading = read();
    this.ended = child.status.then(async ({ code }) => {
      await reading;
      return code;
    });
  }

  /** Waits for a text after so many characters. @returns all there is by then */
  async until(part: string, from = 0): Promise<string> {
    const late = new Promise<never>((_resolve, reject) => {
      this.#timer = setTimeout(() => reject(new Error(`"${part}" did not come:\n${this.text}`)), PATIENCE_MS);
    });
    while (!this.text.includes(part, from)) await Promise.race([this.#more.promise, late]);
    clearTimeout(this.#timer);
    return this.text;
  }
}

function follow(w: Workspace, ...args: string[]): Followed {
  return new Followed(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "main.ts", "watch", ...args],
      cwd: REPOSITORY,
      env: { ETIKET_SYNC_HOME: w.home, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn(),
  );
}
