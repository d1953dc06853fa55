import { assert, assertEquals } from "../../../tests/assert.ts";
import { DiscoverySandbox } from "../../../tests/discovery_sandbox.ts";
import { FakeEnv, START } from "../../../tests/simulator/fake_env.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import type { ReaderTasks, SourcePlan } from "../../readers/tasks.ts";
import type { Services } from "../services.ts";
import { createSourceRunner, type SourceRunner } from "./source_runner.ts";

interface Running {
  env: FakeEnv;
  runner: SourceRunner;
  row: () => SourceRow;
  catalog: Catalog;
  /** Codes of the source's error entries, with how often. */
  errors: () => string[];
  agentErrors: string[];
  /** When the source was looked at by its backend, ms since the start. */
  looks: number[];
}

/** A running source whose backend resolves to `plan`; `discover` is what its database answers. */
async function running(
  plan: SourcePlan,
  work: (r: Running) => Promise<void>,
  discover: (look: number) => ReaderTasks["discover"]["output"] = () => ({
    items: [],
    cursor: null,
    more: false,
  }),
): Promise<void> {
  const temp = Deno.makeTempDirSync();
  const env = new FakeEnv();
  const box = new DiscoverySandbox(temp, { root: "/data" }, env);
  const looks: number[] = [];
  const tasks = {
    resolve: () => ({ problems: [], plan, config: {} }),
    discover: () => discover(looks.push(env.now() - START)),
  };
  const services = {
    ...box.s,
    registry: () => Promise.resolve({ backends: [box.source.info], converters: [], broken: [] }),
    client: {
      scopes: () => Promise.reject(new SyncError("network", "connection_refused", "no platform")),
    },
    readers: {
      run: (kind: keyof typeof tasks) => new Promise((resolve) => resolve(tasks[kind]())),
      close: () => Promise.resolve(),
    },
  } as unknown as Services;
  const agentErrors: string[] = [];
  const runner = createSourceRunner(services, box.source.row, {
    onChange() {},
    onAgentError: (error) => agentErrors.push(error.code),
    iteration: () => 1,
  });
  const control = new AbortController();
  const end = runner.run(control.signal);
  try {
    await env.clock.settle();
    await work({
      env,
      runner,
      row: () => box.catalog.sources.byId(box.id) ?? box.source.row,
      catalog: box.catalog,
      errors: () => box.catalog.errors.list(box.id, { limit: 100 }).map((e) => `${e.exception} x${e.count}`),
      agentErrors,
      looks,
    });
  } finally {
    control.abort(new Error("the test is over"));
    await end;
    box.close();
    Deno.removeSync(temp, { recursive: true });
  }
}

const folder: SourcePlan = {
  kind: "folder",
  root: "/data",
  level: 1,
  single_file: false,
  server_folder: false,
  name_pattern: null,
  scope_from_path: false,
};
const SECOND = 1000;
const MINUTE = 60 * SECOND;

Deno.test("a source in error is tried after 5, 15, 60 s and then every 5 min, and goes on by itself", () =>
  running(folder, async ({ env, runner, row, errors }) => {
    assertEquals([row().state, row().reason?.code, runner.ready], ["error", "root_missing", undefined]);
    await env.clock.pass(4 * SECOND);
    assertEquals(errors().length, 1);
    await env.clock.pass(400 * SECOND);
    assertEquals(errors().length, 1);
    assert(errors()[0]?.endsWith("x5"), errors().join());
    env.disk.mkdir("/data");
    assert(await env.clock.until(() => runner.ready !== undefined, 5 * MINUTE));
    assertEquals(runner.watching, "events");
    assertEquals(env.watches.size, 1);
  }));

Deno.test("an item's run that cannot reach the source makes it look again after 5 s; its watch is given back", () =>
  running(folder, async ({ env, runner, row }) => {
    env.disk.mkdir("/data");
    await env.clock.until(() => runner.ready !== undefined, MINUTE);
    runner.failed(new SyncError("source", "source_silent", "no answer"));
    await env.clock.settle();
    assertEquals([runner.ready, env.watches.size, row().state], [undefined, 0, "error"]);
    assert(await env.clock.until(() => runner.ready !== undefined, 6 * SECOND));
  }));

Deno.test("a rescan ends the wait of a source in error", () =>
  running(folder, async ({ env, runner }) => {
    await env.clock.pass(30 * MINUTE);
    env.disk.mkdir("/data");
    runner.rescan();
    assert(await env.clock.until(() => runner.ready !== undefined, SECOND));
  }));

Deno.test("a database is read when its files change, at rest once a minute", () =>
  running({ kind: "database", watch_paths: ["/data/runs.db"] }, async ({ env, runner, looks }) => {
    env.disk.mkdir("/data");
    const write = (path: string) =>
      env.disk.write(env.disk.touch(path), 0, new Uint8Array([env.now() % 256]));
    write("/data/runs.db");
    await env.clock.until(() => runner.ready !== undefined, SECOND);
    await env.clock.pass(10 * MINUTE);
    assert(looks.length >= 10 && looks.length <= 14, `at rest ${looks.length} times in 10 min`);
    for (const path of ["/data/runs.db-wal", "/data/runs.db", "/data/runs.db-wal"]) {
      const before = looks.length;
      write(path);
      const changed = env.now() - START;
      assert(await env.clock.until(() => looks.length > before, 2 * SECOND), path);
      assert((looks.at(-1) ?? 0) - changed <= SECOND, `${path} after ${(looks.at(-1) ?? 0) - changed} ms`);
      await env.clock.pass(3 * SECOND);
    }
  }));

Deno.test("a database that cannot be read is the source's error; a full disk is the agent's", () =>
  running({ kind: "database", watch_paths: ["/data/runs.db"] }, async ({ env, row, agentErrors, runner }) => {
    assertEquals([row().state, row().reason?.code], ["error", "database_unreadable"]);
    await env.clock.pass(5 * SECOND);
    assertEquals(agentErrors, ["disk_full"]);
    assert(await env.clock.until(() => runner.ready !== undefined, MINUTE));
  }, (look) => {
    if (look === 1) throw new SyncError("source", "database_unreadable", "no");
    if (look === 2) throw new SyncError("local", "disk_full", "no room");
    return { items: [], cursor: null, more: false };
  }));

Deno.test("a database whose scopes cannot be asked for is read no more often than any other", () => {
  const item = { identifier: "1", priority: 1, fingerprint: "f", scope_identifier: "qubits" };
  return running(
    { kind: "database", watch_paths: ["/data/runs.db"] },
    async ({ env, catalog, row, runner, looks, agentErrors }) => {
      await env.clock.until(() => runner.ready !== undefined, SECOND);
      catalog.sources.update(row().id, { autoassign: true }, env.now());
      const known = catalog.items.byIdentifier(row().id, "1");
      catalog.items.update(known?.id ?? 0, { state: "unmapped" }, env.now());
      await env.clock.pass(10 * MINUTE);
      assert(agentErrors.includes("connection_refused"));
      assert(looks.length >= 9 && looks.length <= 14, `${looks.length} times in 10 min`);
    },
    (look) => {
      if (look > 1000) throw new Error("it is read without a rest");
      return { items: [item], cursor: null, more: false };
    },
  );
});
