import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../tests/assert.ts";
import { readDataset, withDataset } from "../../tests/read_folderbase.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { writeDatasetInfo } from "./write_dataset_info.ts";

Deno.test("what a script writes is what the backend reads", () =>
  withDataset(null, ["a.csv", "raw/b.tmp"], async (root) => {
    const folder = join(root, "set");
    const path = await writeDatasetInfo(folder, {
      dataset_name: "012: odd 'name' µ",
      collected: new Date("2024-03-05T14:07:09.250Z"),
      description: "first line\nsecond: line",
      attributes: { T: 0.02, n: 3, on: true, text: "yes", "odd: key": "2024-01-01", big: 2n ** 60n },
      tags: ["1", "true", "µ"],
      skip: ["raw/*"],
      converters: { csv_to_hdf5_converter: { converter: "csv_to_hdf5", options: { delimiter: ";" } } },
    });
    assertEquals(path, join(folder, "_QH_dataset_info.yaml"));
    const draft = await readDataset(root, "set");
    assertEquals(draft.name, "012: odd 'name' µ");
    assertEquals(draft.collected, "2024-03-05T14:07:09.250000+00:00");
    assertStringIncludes(draft.description!, "first line\nsecond: line\n\n");
    assertEquals(draft.attributes, {
      T: 0.02,
      n: 3,
      on: true,
      text: "yes",
      "odd: key": "2024-01-01",
      big: "1152921504606846976",
    });
    assertEquals(draft.keywords, ["1", "true", "µ"]);
    assertEquals(draft.files.map((f) => f.name), ["a.csv"]);
    assertEquals(draft.conversions!.map((c) => [c.converter, c.options]), [["csv_to_hdf5", {
      delimiter: ";",
    }]]);
    assertEquals(draft.logs, []);
  }));

Deno.test("an older info file is replaced at once, nothing else is left in the folder", () =>
  withDataset("dataset_name: old", [], async (root) => {
    await writeDatasetInfo(join(root, "set"), { collected: "2024-03-05T14:07:09" });
    const draft = await readDataset(root, "set");
    assertEquals([draft.name, draft.collected], ["set", "2024-03-05T13:07:09.000000+00:00"]);
    assertEquals([...Deno.readDirSync(join(root, "set"))].map((e) => e.name), ["_QH_dataset_info.yaml"]);
  }));

Deno.test("values that cannot be read back are refused, naming the key", () =>
  withDataset(null, [], async (root) => {
    const refused = async (info: unknown) => {
      const e = await assertRejects(() => writeDatasetInfo(join(root, "set"), info as Record<string, never>));
      assert(e instanceof SyncError && e.code === "dataset_info_invalid" && e.class === "usage", String(e));
      return e.message;
    };
    assertStringIncludes(await refused({ attributes: { a: { b: 1 } } }), "attributes.a");
    assertStringIncludes(await refused({ attributes: { a: null } }), "attributes.a");
    assertStringIncludes(await refused({ collected: "soon" }), "collected");
    assertStringIncludes(await refused({ collected: new Date(NaN) }), "collected");
    assertStringIncludes(await refused({ converters: { csv: "x" } }), "converters.csv");
    assertEquals([...Deno.readDirSync(join(root, "set"))], []);
    await assertRejects(() => writeDatasetInfo(join(root, "gone"), {}));
  }));
