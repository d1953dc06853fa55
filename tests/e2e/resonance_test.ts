/** Beamtimes from the command line to datasets, and runs that RunWriter adds later. */
import { DatabaseSync } from "node:sqlite";
import { RunWriter } from "../../backends/resonance/mod.ts";
import { only, Workspace } from "../agent_process.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { copyFolder } from "../convert.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { treeListing } from "../tree_listing.ts";

const FIXTURES = new URL("../fixtures/resonance/", import.meta.url).pathname;

Deno.test("resonance: a folder of beamtimes, a run that is added and changed later", async (t) => {
  await using w = await Workspace.make();
  const folder = w.path("beamtimes");
  await copyFolder(FIXTURES, folder);
  Deno.removeSync(`${folder}/expected`, { recursive: true });
  const before = treeListing(folder);
  const source = ["--backend", "resonance", "--scope", "default", "--set", `data_directory=${folder}`];
  const first = await w.once(...source, "--set", "set_up=BL 11");

  await t.step("all runs are synchronized, other databases are listed and nothing was touched", async () => {
    const { status, items_total, items_synchronized } = only(first.sources);
    assertEquals([status, items_total, items_synchronized], ["scanning", 15, 15]);
    assertEquals(treeListing(folder), before);
    assertStringIncludes(
      JSON.stringify(await w.json("source", "show", only(first.sources).name)),
      "index.db",
    );
    assert(await w.verified() >= 37);
  });

  await t.step("what users see of a run", async () => {
    const items = await w.items();
    const id = "2026-03-05.db#0d72498a409d9fd35c7ce6ab50579aeb";
    const dataset = await w.dataset(items[id]?.datasetUUID ?? "");
    assertEquals([dataset.name, dataset.alt_uid], [
      "two_detectors PS-thin-film",
      id.slice(id.indexOf("#") + 1),
    ]);
    assertEquals(dataset.files.map((f) => f.name).sort(), ["images/andor", "images/ccd", "primary", "run"]);
    assertEquals([dataset.attributes["set-up"], dataset.attributes.exit_status], ["BL 11", "success"]);
    assertEquals(new Set(dataset.files.map((f) => f.file_generator)), new Set(["Resonance"]));
    const paths = await w.download(dataset.uuid);
    const { variables } = await netcdfContent(paths["images/andor"] ?? "");
    assertEquals([variables.andor?.shape, variables.seq_num?.values], [[2, 3, 3], [2n, 4n]]);
    const crashed = items["2026-03-05.db#544d182865f42fe91128a90a4bc88c14"];
    assert(crashed);
    assert((await w.record(crashed)).logs.some(([code]) => code === "incomplete"));
  });

  const database = `${folder}/2026-03-05.db`;
  const writer = new RunWriter(database, { name: "PS-thin-film" }).open();
  const uid = writer.openRun("night_scan");
  writer.openStream("primary", { x: { units: "mm" } });
  const event = writer.writeEvent({ x: 1 });
  writer.writeImage(event, "ccd", { data: Uint16Array.of(1, 2, 3, 4), shape: [2, 2] });

  await t.step("a run that is being measured waits, and no other run is sent again", async () => {
    const { items, files_uploaded } = await w.once(...source, "--set", "set_up=BL 11");
    assertEquals(files_uploaded, 0);
    assertEquals(items.map((i) => [i.dataIdentifier, i.result]), [[`2026-03-05.db#${uid}`, "skipped"]]);
    assertStringIncludes(items[0]?.reason ?? "", "being measured");
  });

  await t.step("it is synchronized when it has ended", async () => {
    writer.closeRun();
    writer.close();
    const { items, files_uploaded } = await w.once(...source, "--set", "set_up=BL 11");
    assertEquals([files_uploaded, items.map((i) => i.result)], [3, ["synchronized"]]);
  });

  await t.step("a sample that is described later changes the datasets and run.json, no data", async () => {
    {
      using db = new DatabaseSync(database);
      db.exec("UPDATE samples SET formula = 'C6H6' WHERE name = 'blank'");
    }
    const { files_uploaded, items } = await w.once(...source, "--set", "set_up=BL 11");
    assertEquals([items.map((i) => i.result), files_uploaded], [["synchronized"], 1]);
    const { datasetUUID } = (await w.items())["2026-03-05.db#544d182865f42fe91128a90a4bc88c14"] ?? {};
    assertEquals((await w.dataset(datasetUUID ?? "")).attributes.formula, "C6H6");
  });
});
