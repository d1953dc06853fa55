import { z } from "zod";
import { assertEquals } from "../../tests/assert.ts";
import { DatasetReply, type TestHub, withHub } from "./test_hub.ts";

async function search(hub: TestHub, body: Record<string, unknown>, page = ""): Promise<string[]> {
  const found = await hub.expect(200, "POST", `/api/v2/datasets/search/${page}`, body);
  return z.array(DatasetReply).parse(found).map((dataset) => dataset.name);
}

const day = (n: number) => `2026-03-${String(n).padStart(2, "0")}T12:00:00.000000+00:00`;

Deno.test("every word has to begin a word of name, description, notes or keywords", () =>
  withHub(async (hub) => {
    await hub.dataset({ name: "Rabi oscillation", collected: day(1), keywords: ["qubit-1", "fridge"] });
    await hub.dataset({ name: "Ramsey", collected: day(2), description: "T2* of Qubit 1 in the Fridge" });
    await hub.dataset({ name: "Größe", collected: day(3), notes: "oscilloscope trace, run_12" });
    assertEquals(await search(hub, { search_query: "osci" }), ["Größe", "Rabi oscillation"]);
    assertEquals(await search(hub, { search_query: "fridge QUB" }), ["Ramsey", "Rabi oscillation"]);
    assertEquals(await search(hub, { search_query: "illation" }), []);
    assertEquals(await search(hub, { search_query: "rabi ramsey" }), []);
    assertEquals(await search(hub, { search_query: "grosse" }), []);
    assertEquals(await search(hub, { search_query: "GRÖ" }), ["Größe"]);
    assertEquals(await search(hub, { search_query: "run_12" }), ["Größe"]);
    assertEquals(await search(hub, { search_query: "  " }), ["Größe", "Ramsey", "Rabi oscillation"]);
    for (const odd of ['"', "'; DROP TABLE", "NEAR(", "a:b", "-", "*", "^x", "a OR b"]) {
      await search(hub, { search_query: odd });
    }
  }));

Deno.test("words follow an update of the dataset", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset({ name: "before" });
    await hub.expect(200, "PATCH", `/api/v2/dataset/?dataset_uuid=${uuid}`, {
      name: "afterwards",
      keywords: ["star"],
    });
    assertEquals(await search(hub, { search_query: "before" }), []);
    assertEquals(await search(hub, { search_query: "after star" }), ["afterwards"]);
  }));

Deno.test("a uuid finds that dataset only, an alt_uid comes before what merely has the words", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset({ name: "A", alt_uid: "scan 7", collected: day(1) });
    await hub.dataset({ name: "B", description: `scan 7, compare ${uuid}`, collected: day(2) });
    assertEquals(await search(hub, { search_query: "scan 7" }), ["A", "B"]);
    assertEquals(await search(hub, { search_query: uuid.toUpperCase() }), ["A"]);
  }));

Deno.test("ranking, notes, dates, scopes and attributes restrict together", () =>
  withHub(async (hub) => {
    const other = crypto.randomUUID();
    await hub.expect(201, "POST", "/api/v3/scopes", { name: "other", uid: other, bucket_uuid: other });
    await hub.dataset({ name: "hidden", ranking: -1, collected: day(1) });
    await hub.dataset({ name: "plain", collected: day(2), attributes: { sample: "S1", gate: "P1" } });
    await hub.dataset({
      name: "star",
      ranking: 1,
      collected: day(3),
      notes: "n",
      attributes: { sample: "S2", gate: "P1" },
    });
    await hub.dataset({ name: "far", collected: day(4), scope_uuid: other, attributes: { sample: "S2" } });
    assertEquals(await search(hub, {}), ["far", "star", "plain"]);
    assertEquals(await search(hub, { ranking: -1 }), ["far", "star", "plain", "hidden"]);
    assertEquals(await search(hub, { ranking: 1 }), ["star"]);
    assertEquals(await search(hub, { has_notes: true }), ["star"]);
    assertEquals(await search(hub, { start_date: day(2), end_date: day(3) }), ["star", "plain"]);
    assertEquals(await search(hub, { start_date: "2026-03-03T13:00:00+01:00" }), ["far", "star"]);
    assertEquals(await search(hub, { scope_uuids: [other] }), ["far"]);
    assertEquals(await search(hub, { attributes: { sample: ["S1", "S2"] } }), ["far", "star", "plain"]);
    assertEquals(await search(hub, { attributes: { sample: ["S2"], gate: ["P1", "P2"] } }), ["star"]);
    await hub.expect(403, "POST", "/api/v2/datasets/search/", { scope_uuids: [crypto.randomUUID()] });
    assertEquals(
      await hub.expect(200, "POST", "/api/v2/datasets/attributes/", { scope_uuids: [hub.scope] }),
      {
        gate: ["P1"],
        sample: ["S1", "S2"],
      },
    );
    assertEquals(
      await hub.expect(200, "POST", "/api/v2/datasets/attributes/", { attributes: { sample: ["S1"] } }),
      { gate: ["P1"], sample: ["S1"] },
    );
  }));

Deno.test("pages of datasets collected at the same time neither repeat nor leave out one", () =>
  withHub(async (hub) => {
    const names = Array.from({ length: 55 }, (_, i) => `n${i}`);
    for (const name of names) await hub.dataset({ name });
    assertEquals((await search(hub, {})).length, 50);
    const paged = [0, 20, 40].map((offset) => search(hub, {}, `?offset=${offset}&limit=20`));
    assertEquals((await Promise.all(paged)).flat().sort(), names.sort());
    await hub.expect(422, "POST", "/api/v2/datasets/search/?limit=1001", {});
    await hub.expect(422, "POST", "/api/v2/datasets/search/?offset=-1", {});
    await hub.expect(422, "POST", "/api/v2/datasets/search/?limit=x", {});
  }));

Deno.test("days of datasets are those of the time zone asked for", () =>
  withHub(async (hub) => {
    await hub.dataset({ collected: "2026-03-01T23:30:00+00:00" });
    await hub.dataset({ collected: "2026-03-01T10:00:00+00:00" });
    await hub.dataset({ collected: "2026-02-01T10:00:00+00:00" });
    const dates = (body: unknown) => hub.expect(200, "POST", "/api/v2/datasets/distinct_dates/", body);
    assertEquals(await dates({}), ["2026-03-01", "2026-02-01"]);
    assertEquals(await dates({ time_zone: "Europe/Amsterdam" }), ["2026-03-02", "2026-03-01", "2026-02-01"]);
    assertEquals(await dates({ start_date: "2026-03-01T00:00:00Z", time_zone: "UTC" }), ["2026-03-01"]);
    await hub.expect(422, "POST", "/api/v2/datasets/distinct_dates/", { time_zone: "Mars/Base" });
  }));
