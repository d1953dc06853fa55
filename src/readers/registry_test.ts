import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { createReaderPool } from "./pool.ts";
import { Registry } from "./registry.ts";
import { runTask } from "./run_task.ts";

const url = (module: string) => new URL(`./test_modules/${module}.ts`, import.meta.url).href;
const registry = new Registry([url("misbehaving")]);
const failureOf = async (run: () => Promise<unknown>) => (await assertRejects(run)) as SyncError;

Deno.test("backends answer to short and long names and aliases, in any letter case", async () => {
  for (const name of ["qcodes", "QCoDeS", "etiket_sync_agent_qcodes", "Etiket-Sync-Agent-qcodes"]) {
    assertEquals((await registry.backend(name)).identifier, "etiket_sync_agent_qcodes");
  }
  for (const name of ["fileBase", "filebase", "folderbase", "etiket_sync_agent_folderbase"]) {
    assertEquals((await registry.backend(name)).identifier, "etiket_sync_agent_folderbase");
  }
  for (const name of ["misbehaving", "badone", "bad-two", "BAD_TWO", "etiket_sync_agent_misbehaving"]) {
    assertEquals((await registry.backend(name)).identifier, "etiket_sync_agent_misbehaving");
  }
});

Deno.test("converters answer to ids and to the class names of older info files", async () => {
  assertEquals((await registry.converter("csv_to_hdf5")).id, "csv_to_hdf5");
  assertEquals((await registry.converter("CSVToHDF5Converter")).id, "csv_to_hdf5");
  assertEquals((await registry.converter("BadConverter")).id, "misbehaving");
});

Deno.test("an unknown name is refused with the nearest known one", async () => {
  const backend = await failureOf(() => registry.backend("qcodse"));
  assertEquals([backend.class, backend.code], ["usage", "backend_not_found"]);
  assertStringIncludes(backend.message, 'did you mean "qcodes"?');
  const converter = await failureOf(() => registry.converter("csv2hdf5"));
  assertEquals([converter.class, converter.code], ["usage", "converter_not_found"]);
  assertStringIncludes(converter.message, 'did you mean "csv_to_hdf5"?');
});

Deno.test("the built-in backends and converters are described with where they come from", async () => {
  const { backends, converters, broken } = await runTask("describe", {}, registry);
  assertEquals(broken, []);
  const builtIn = <T extends { origin: string }>(all: T[]) => all.filter((one) => one.origin === "built-in");
  assertEquals(builtIn(backends).map((b) => b.identifier), [
    "etiket_sync_agent_core_tools",
    "etiket_sync_agent_folderbase",
    "etiket_sync_agent_labber",
    "etiket_sync_agent_native",
    "etiket_sync_agent_qcodes",
    "etiket_sync_agent_quantify",
    "etiket_sync_agent_resonance",
  ]);
  assertEquals(builtIn(converters).map((c) => c.id), ["csv_to_hdf5", "zarr_to_netcdf4", "zarr_to_zip"]);
  assertEquals(backends.find((b) => b.origin !== "built-in")?.origin, url("misbehaving"));
  for (const { identifier, fields } of backends) {
    assert(fields.some((f) => f.name === "time_zone"), `${identifier} accepts time_zone`);
  }
});

Deno.test({
  name: "describing loads no HDF5",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const dir = await Deno.makeTempDir();
    const path = (relative: string) => new URL(relative, import.meta.url).pathname;
    const run = `exec "${Deno.execPath()}" run -A --quiet --preload "${path("test_modules/wasm_trap.ts")}"`;
    await Deno.writeTextFile(`${dir}/launcher`, `#!/bin/sh\n${run} "${path("../../main.ts")}" "$@"\n`, {
      mode: 0o755,
    });
    Deno.env.set("ETIKET_SELF", `${dir}/launcher`);
    const pool = createReaderPool();
    try {
      assertEquals((await pool.run("describe", {})).broken, []);
      // The trap works: opening a file falls into it.
      const file = path("../../tests/fixtures/hdf5/scales.h5");
      const error = await failureOf(() => pool.run("inspect", { path: file, filename: "scales.h5" }));
      assertStringIncludes(error.message, "exit code 42");
    } finally {
      Deno.env.delete("ETIKET_SELF");
      await pool.close();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("resolve checks the types first, then asks the backend, then says how to look at the source", async () => {
  const resolve = (config: Record<string, unknown>) =>
    runTask("resolve", { backend: "misbehaving", config }, registry);
  const usable = await resolve({ db: "/data/x.db" });
  assertEquals(usable.problems, []);
  assertEquals(usable.plan, { kind: "database", watch_paths: ["/data/x.db"] });
  assertEquals(usable.config, {
    database: "/data/x.db",
    limit: 10,
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  const mistyped = await resolve({ db: "/data/x.db", limit: "many" });
  assertMatch(mistyped.problems.join(), /"limit": expected an integer/);
  assertEquals([mistyped.plan, mistyped.config], [null, null]);
  assertEquals((await resolve({ db: "/data/x.db", limit: 101 })).problems, ["limit is above 100"]);
  const unreachable = { backend: "misbehaving", config: { db: "/data/x.db", limit: 101 }, unvalidated: true };
  assertEquals((await runTask("resolve", unreachable, registry)).plan, usable.plan);
});

Deno.test("an input that the agent got wrong is its own bug, not the backend's", async () => {
  const pool = createReaderPool();
  try {
    const error = await failureOf(() => pool.run("resolve", { backend: "qcodes", config: null as never }));
    assertEquals([error.class, error.code], ["internal", "reader_protocol"]);
    assertStringIncludes(error.message, "the input of resolve is not valid: config");
  } finally {
    await pool.close();
  }
});

Deno.test("discovery's cursor goes to the backend and back unchanged", async () => {
  const pool = createReaderPool({ load: [url("misbehaving")] });
  try {
    const discover = (since: unknown) => pool.run("discover", { backend: "misbehaving", config: {}, since });
    const first = await discover(undefined);
    assertEquals(first.cursor, { next: 2n ** 60n });
    assertEquals((await discover(first.cursor)).cursor, { since: first.cursor, next: 2n ** 60n });
    const folders = await failureOf(() =>
      pool.run("discover", { backend: "folderbase", config: {}, since: null })
    );
    assertEquals(folders.code, "not_a_database");
  } finally {
    await pool.close();
  }
});
