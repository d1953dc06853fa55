/** The first goal, system call by system call: nothing of the user's is opened for writing, changed or locked (B1, R5). */
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { REPOSITORY } from "../../src/cli/test_cli.ts";
import { OnceSchema, writeDataset } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { changeAtRandom, prepareBusyDatabase } from "../busy_database.ts";
import { treeListing } from "../tree_listing.ts";
import { type EverySource, layOutEverySource, sourcesToml } from "./every_source.ts";
import { Random } from "./prng.ts";
import { itemStates, ServingAgent } from "./serving_agent.ts";
import { type Touch, touchesBelow } from "./source_touches.ts";
import { straceArgs, systemCalls, whyNotTraceable } from "./strace.ts";

/** Runs `work` with a state folder and what traces a program when put before it, and judges the trace. */
async function traced(
  data: EverySource,
  work: (home: string, prefix: string[]) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const [home, trace] = [join(dir, "home"), join(dir, "trace")];
    for (const folder of [home, trace]) await Deno.mkdir(folder);
    await Deno.writeTextFile(join(home, "config.toml"), sourcesToml(data.sources));
    const before = listing(data.root);
    await work(home, ["strace", ...straceArgs(trace, [])]);
    const touches = touchesBelow(systemCalls(trace), data.root, REPOSITORY);
    assert(touches.filter(isManifest).length > 100, "the trace shows the manifests that are written");
    assertEquals(touches.filter((t) => !isManifest(t)).map((t) => t.call.line), []);
    const after = listing(data.root);
    assertEquals(
      Object.fromEntries(Object.keys(before).map((path) => [path, after[path] ?? "gone"])),
      before,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Everything but the times of folders, which the manifests change. */
function listing(root: string): Record<string, string> {
  const lines = Object.entries(treeListing(root, { withoutManifests: true }));
  return Object.fromEntries(
    lines.map(([p, l]) => [p, l.endsWith("folder") ? l.replace(/ mtime \d+/, "") : l]),
  );
}

/** `.QH_manifest.yaml`, its hidden temporary name, and nothing else. */
function isManifest({ paths }: Touch): boolean {
  return paths.every((p) => /^\.QH_manifest\.yaml(\.[0-9a-f]+\.tmp)?$/.test(basename(p)));
}

async function inTraceableCase(work: (data: EverySource) => Promise<void>): Promise<void> {
  const reason = await whyNotTraceable();
  if (reason) return console.log(`not run: ${reason}`);
  await using data = await layOutEverySource();
  await work(data);
}

Deno.test("a whole run of `once` over every kind of source touches nothing but its own manifests", () =>
  inTraceableCase((data) =>
    traced(data, async (home, [program = "", ...args]) => {
      const { stdout, stderr } = await new Deno.Command(program, {
        args: [...args, Deno.execPath(), "run", "-A", "--quiet", "main.ts", "once", "--json"],
        cwd: REPOSITORY,
        env: { ETIKET_SYNC_HOME: home, NO_COLOR: "1" },
      }).output();
      const [out, err] = [stdout, stderr].map((b) => new TextDecoder().decode(b));
      const { sources } = OnceSchema.parse(JSON.parse(out ?? ""));
      assertEquals(
        sources.map((s) => [s.name, s.items_synchronized]),
        data.sources.map((s) => [s.name, s.synchronized]),
        err,
      );
    })
  ));

Deno.test("`serve` over every kind of source, with data that arrive meanwhile, touches nothing either", () =>
  inTraceableCase((data) =>
    traced(data, async (home, prefix) => {
      await using agent = ServingAgent.start(home, { prefix });
      const expected = data.sources.reduce((sum, s) => sum + s.synchronized, 0);
      const count = (state: string) => itemStates(home).get(state) ?? 0;
      const done = () => count("done") + count("live");
      await agent.until("all is synchronized or followed", () =>
        done() >= expected, () => [...itemStates(home)]);
      assert(count("live") > 0, "what looks like a running measurement is followed, and not touched either");
      await writeDataset(join(data.root, "level_any", "arrives"), { "a.txt": "1" });
      await agent.until(
        "a new dataset is synchronized",
        () =>
          done() > expected,
        () => [...itemStates(home)],
      );
      assertEquals(await agent.stop(), 0);
    })
  ));

Deno.test("a large database whose writer commits all the time is read without a lock, and not opened for writing", async () => {
  const reason = await whyNotTraceable();
  if (reason) return console.log(`not run: ${reason}`);
  const dir = await Deno.makeTempDir();
  try {
    const [source, trace] = [join(dir, "source"), join(dir, "trace")];
    for (const folder of [source, trace]) await Deno.mkdir(folder);
    const path = join(source, "large.db");
    prepareBusyDatabase(path, "CREATE TABLE ballast AS SELECT zeroblob(80000000) AS bytes").close();
    assert(Deno.statSync(path).size > 64 * 2 ** 20);
    // Without patience: a lock that it met would be an error.
    using writer = new DatabaseSync(path, { timeout: 0 });
    writer.exec("PRAGMA wal_autocheckpoint = 100");
    const random = new Random(11);
    changeAtRandom(writer, random);
    const names = () => [...Deno.readDirSync(source)].map((e) => e.name).sort();
    const before = names();

    const command = ["run", "-A", "--quiet", "tests/faults/follow_child.ts", path, "100"];
    const child = new Deno.Command("strace", {
      args: [...straceArgs(trace, [Deno.execPath()]), ...command],
      cwd: REPOSITORY,
    }).output();
    let [isOver, commits] = [false, 0];
    child.finally(() => isOver = true);
    for (; !isOver; commits++) {
      changeAtRandom(writer, random);
      await new Promise((resume) => setTimeout(resume, 5));
    }
    const { stdout, stderr } = await child;
    const text = new TextDecoder().decode(stdout);
    const seen = z.array(z.number()).parse(JSON.parse(text || "null"), {
      error: () => new TextDecoder().decode(stderr),
    });
    assert(new Set(seen).size > 20, `${commits} commits, seen: ${text}`);
    assertEquals(seen, seen.toSorted((a, b) => a - b));

    const calls = [...systemCalls(trace)];
    const opened = calls.filter((c) => c.name.startsWith("open") && c.line.includes(`${path}-wal`));
    assert(opened.length > 100, "the trace shows the log that is opened");
    assertEquals(touchesBelow(calls, source, REPOSITORY).map((t) => t.call.line), []);
    assertEquals(names(), before);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
