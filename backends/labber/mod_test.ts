import { once } from "node:events";
import { basename, join } from "node:path";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { netcdfDifferences } from "../../tests/netcdf_equal.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { openHdf5 } from "../../src/kit/hdf5/open.ts";
import labber from "./mod.ts";
import {
  DATA,
  fileOf,
  filesBelow,
  LABBER,
  LATER,
  logsBelow,
  MORE,
  readLog,
  tempFolder,
  withLog,
} from "./testing.ts";

const more = (name: string) => `2025/01/Data_0115/${name}.hdf5`;
const bytesOf = (path: string) => Deno.readFileSync(join(LABBER, DATA, "2024/06", path));

async function failure(run: () => Promise<unknown>): Promise<SyncError> {
  const error = await assertRejects(run);
  assert(error instanceof SyncError, String(error));
  return error;
}

Deno.test("a file that may still be written is waited for, an older one is uploaded", async () => {
  const whole = bytesOf("Data_0601/2D_scalar.hdf5");
  for (const bytes of [new Uint8Array(0), whole.subarray(0, 20_000), new TextEncoder().encode("no HDF5")]) {
    await withLog(bytes, 60_000, async ({ root, identifier, path, staging }) => {
      const error = await failure(() => readLog(root, identifier, staging));
      assertEquals([error.class, error.code], ["busy", "hdf5_half_written"]);
      assert(error.message.startsWith(path), error.message);
    });
    await withLog(bytes, 130_000, async ({ root, identifier, staging }) => {
      const draft = await readLog(root, identifier, staging);
      assertEquals(draft.problems?.map((p) => p.code), ["unreadable_hdf5"]);
      assertEquals(await Deno.readFile(fileOf(draft, "original").path), bytes);
      assertEquals(draft.collected, new Date(LATER - 130_000).toISOString().replace("Z", "000+00:00"));
    });
  }
  await withLog(whole, 1000, async ({ root, identifier, staging }) => {
    assertEquals((await readLog(root, identifier, staging)).problems, []);
  });
});

Deno.test("HDF5 that is no log is uploaded as it is, and the item says so", async () => {
  const other = await Deno.readFile(join(LABBER, "../hdf5/types.h5"));
  await withLog(other, 1e6, async ({ root, identifier, staging }) => {
    const draft = await readLog(root, identifier, staging);
    assertEquals(draft.problems?.map((p) => [p.class, p.code]), [["data", "not_a_labber_log"]]);
    assertEquals(await Deno.readFile(fileOf(draft, "original").path), other);
  });
});

Deno.test("a log that is gone when it is read is not an error of the file", async () => {
  await withLog(new Uint8Array(1), 0, async ({ root, identifier, path, staging }) => {
    await Deno.remove(path);
    assertEquals((await failure(() => readLog(root, identifier, staging))).class, "busy");
  });
});

Deno.test("what is uploaded and converted is one state of a log that grows meanwhile", async () => {
  const names = ["T1_q1", "VNA_power_sweep", "api_vector"];
  const states = names.map((name) => bytesOf(`Data_0601/${name}.hdf5`));
  await withLog(states[0] ?? new Uint8Array(), 1e6, async ({ root, identifier, path, staging }) => {
    const writer = new Worker(new URL("./rewriting_worker.ts", import.meta.url));
    const stopped = once(writer, "message");
    writer.postMessage({ path, states });
    let drafts = 0;
    for (let i = 0; i < 60; i++) {
      const folder = join(staging, String(i));
      await Deno.mkdir(folder);
      try {
        const draft = await readLog(root, identifier, folder, Date.now());
        const original = await Deno.readFile(fileOf(draft, "original").path);
        assertEquals(original, states[names.indexOf(draft.name)]);
        const truth = join(LABBER, "expected", `${draft.name}.log1.nc`);
        assertEquals(await netcdfDifferences(fileOf(draft, "ds_converted").path, truth), []);
        drafts++;
      } catch (e) {
        assert(e instanceof SyncError && e.class === "busy", String(e));
      }
    }
    writer.postMessage("stop");
    await stopped;
    await writer.terminate();
    await Deno.writeFile(path, states[1] ?? new Uint8Array());
    await Deno.mkdir(join(staging, "last"));
    const draft = await readLog(root, identifier, join(staging, "last"));
    assertEquals(draft.name, "VNA_power_sweep");
    assert(drafts > 0, "no read met a file at rest");
  });
});

Deno.test("a log appended to later is read with its further log", async () => {
  await withLog(bytesOf("Data_0601/2D_scalar.hdf5"), 1e6, async ({ root, identifier, path, staging }) => {
    for (const [source, converted] of [["2D_scalar", 1], ["multi_log", 3]] as const) {
      const folder = join(staging, source);
      await Deno.mkdir(folder);
      await Deno.writeFile(path, bytesOf(`Data_0601/${source}.hdf5`));
      const draft = await readLog(root, identifier, folder);
      assertEquals(draft.files.filter((f) => f.type === "HDF5_NETCDF").length, converted);
    }
  });
});

Deno.test("settings and set-up: complex numbers, lists, tables, numbers that JSON has no form for", async () => {
  await using staging = await tempFolder();
  const draft = await readLog(join(MORE, DATA), more("slashes"), staging.path);
  const json = (name: string): unknown => JSON.parse(Deno.readTextFileSync(fileOf(draft, name).path));
  assertEquals(json("settings"), {
    Flag: true,
    Name: "Größe",
    Big: "1152921504606846976",
    Small: 4,
    Limit: "Infinity",
    Missing: "NaN",
    Z: { real: 1, imag: -2 },
    Zs: [{ real: 0, imag: 1 }, { real: 2, imag: 0 }],
    Empty: [],
    Matrix: [[0, 1, 2], [3, 4, 5]],
    Flags: [true, false],
    Words: ["a", "b"],
    One: [1.5],
    Tiny: 1e-9,
  });
  const instrument = "Generic - GPIB: 1/2, Rack at localhost";
  assertEquals(json("instruments"), [{
    hardware: "Generic",
    version: "1.0",
    id: instrument,
    name: "Rack",
    interface: 7,
    address: "",
    lock: false,
    Timeout: 10,
  }]);

  using file = await openHdf5(fileOf(draft, "ds_converted").path);
  const attribute = (name: string): unknown => JSON.parse(String(file.root.attributeValue(name)));
  assertEquals(attribute("log_list"), ["a/b/c", "PG - Demod, Q1/Q2"]);
  assertEquals(attribute("instrument_config"), {
    [instrument]: {
      IQ: { real: 1, imag: 2 },
      "Installed options": [],
      Mode: "Sägezahn",
      Output: true,
      Waveform: [0, 0.25, 0.5, 0.75, 1],
    },
  });
  assertEquals(
    attribute("step_list"),
    ["AWG - Amp (1/2)", "Trig interval (5004/5014)"].map((channel_name) => ({
      channel_name,
      step_unit: 0,
      wait_after: 0,
      equation: "x",
      alternate_direction: false,
    })),
  );
  const step = {
    Optimizer: { Enabled: false },
    "Relation parameters": [{ variable: "x", channel_name: "Step values", use_lookup: false }],
    "Step items": [{ range_type: 1, start: 0, stop: 1, n_pts: 3 }],
  };
  assertEquals(attribute("step_config"), { "AWG - Amp (1/2)": step, "Trig interval (5004/5014)": step });
});

Deno.test("tags: empty ones are dropped, several users are a list; whole seconds, comment, no star", async () => {
  await using staging = await tempFolder();
  const draft = await readLog(join(MORE, DATA), more("empty_tags"), staging.path);
  assertEquals(draft.keywords, ["zoë", "Łukasz", "X", "V", "A"]);
  assertEquals(draft.attributes, { "set-up": "fridge", user: ["zoë", "Łukasz"] });
  assertEquals(draft.alt_uid, "empty_tags_1736899200");
  assertEquals(draft.collected, "2025-01-15T00:00:00.000000+00:00");
  assertEquals([draft.description, draft.ranking], ["line 1\nµ-wave", 0]);
});

Deno.test("no tags, no settings, no name, no time: from the file instead", async () => {
  await using staging = await tempFolder();
  const draft = await readLog(join(MORE, DATA), more("no_tags"), staging.path);
  assertEquals([draft.name, draft.alt_uid], ["no_tags", "2025/01/Data_0115/no_tags"]);
  assertEquals(draft.attributes, { "set-up": "fridge" });
  assertEquals(Deno.readTextFileSync(fileOf(draft, "settings").path), "{}");
});

Deno.test("the time is exact to the microsecond", async () => {
  await using staging = await tempFolder();
  const draft = await readLog(join(MORE, DATA), more("three_steps"), staging.path);
  assertEquals(draft.collected, "2025-01-15T12:00:00.123457+00:00");
  assertEquals(draft.alt_uid, "three_steps_1736942400.123457");
});

Deno.test("twelve logs keep their numbers: Log_10 comes after Log_9", async () => {
  await using staging = await tempFolder();
  const draft = await readLog(join(MORE, DATA), more("twelve_logs"), staging.path);
  const converted = draft.files.map((f) => f.name).filter((name) => name.startsWith("ds_"));
  assertEquals(converted, Array.from({ length: 12 }, (_, i) => `ds_converted_${i + 1}`));
  for (const [i, name] of converted.entries()) {
    using file = await openHdf5(fileOf(draft, name).path);
    assertEquals(file.dataset("/X").shape, [i + 1]);
  }
  assertEquals(draft.state, "incomplete", "the last log was not finished");
});

Deno.test("without Labber's database the record says so, and nothing fails", async () => {
  await using staging = await tempFolder();
  const path = logsBelow(join(LABBER, DATA))[0] ?? "";
  const without = await readLog(join(LABBER, DATA), path, staging.path);
  assertEquals(without.logs?.map((l) => l.code), ["labber_database_missing"]);
  assertEquals(without.problems, []);
  await using other = await tempFolder();
  assertEquals((await readLog(join(MORE, DATA), more("no_tags"), other.path)).logs, []);
});

Deno.test("a channel without values is named", async () => {
  await using staging = await tempFolder();
  const draft = await readLog(join(MORE, DATA), more("channel_without_values"), staging.path);
  assertEquals(draft.logs?.map((l) => l.code), ["labber_channel_without_values"]);
  assert(draft.logs?.[0]?.message.includes('"Never"'));
  assertEquals(draft.problems, []);
});

Deno.test("reading changes nothing in the folder", async () => {
  await using temp = await tempFolder();
  const root = join(LABBER, DATA);
  const state = () =>
    filesBelow(root).map((path) => {
      const { size, mtime } = Deno.statSync(join(root, path));
      return [path, size, mtime?.getTime(), basename(path)];
    });
  const before = state();
  for (const [i, path] of logsBelow(root).entries()) {
    const staging = join(temp.path, String(i));
    await Deno.mkdir(staging);
    await readLog(root, path, staging);
    const left = filesBelow(staging).filter((file) =>
      !/^(original|ds_converted\w*)\.hdf5$|\.json$/.test(file)
    );
    assertEquals(left, [], "temporary files are left");
  }
  assertEquals(state(), before);
});

Deno.test("the configuration: what cannot be used is said in one sentence", async () => {
  await using temp = await tempFolder();
  const validate = (root: string) =>
    labber.validate({ labber_directory: root, set_up: "x", is_server_folder: false });
  const root = join(temp.path, "data");
  const day = join(root, "2024/06/Data_0601");
  await Deno.mkdir(day, { recursive: true });
  await Deno.writeTextFile(join(temp.path, "file"), "");
  assertEquals(await validate(root), []);
  assertEquals(await validate(join(LABBER, DATA)), []);
  const parent = (what: string) => `looks like the ${what} folder, choose its parent: "${root}"`;
  for (
    const [path, problem] of [
      [join(temp.path, "missing"), "does not exist"],
      [join(temp.path, "file"), "is not a directory"],
      [join(root, "2024"), parent("year")],
      [join(root, "2024/06"), parent("month")],
      [day, parent("day")],
    ] as const
  ) {
    assertEquals(await validate(path), [`labber_directory: "${path}" ${problem}`]);
  }
});
