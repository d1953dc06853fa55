/** Finding measurements: all at first, later what is new or changed (B8). */
import { assert, assertEquals } from "../../tests/assert.ts";
import type { DiscoveryPage } from "../../src/kit/define_backend.ts";
import { databaseOf } from "./config.ts";
import { discover } from "./discover.ts";
import { CoreToolsLab } from "./testing.ts";

const MINUTE = 60_000;

/** Looks again and again as the agent does, in time that the test makes pass. */
class Finder {
  #cursor: unknown;
  now = Date.UTC(2026, 10, 25);

  constructor(private readonly lab: CoreToolsLab, private readonly more: Record<string, unknown> = {}) {}

  /** All pages of one look. @returns identifiers, in order */
  async look(pages: DiscoveryPage[] = []): Promise<string[]> {
    const found: string[] = [];
    for (let more = true; more;) {
      // The agent keeps it as JSON.
      const since = this.#cursor === undefined ? undefined : JSON.parse(JSON.stringify(this.#cursor));
      const page = await discover(databaseOf({ ...this.lab.config, ...this.more }), since, this.now);
      pages.push(page);
      found.push(...page.items.map((i) => i.identifier));
      this.#cursor = page.cursor;
      more = page.more;
    }
    return found;
  }

  /** Identifiers of those that may be running. */
  async running(): Promise<string[]> {
    const pages: DiscoveryPage[] = [];
    await this.look(pages);
    return pages.flatMap((p) => p.items).filter((i) => i.running).map((i) => i.identifier);
  }

  async fingerprints(): Promise<Map<string, string>> {
    const pages: DiscoveryPage[] = [];
    await this.look(pages);
    return new Map(pages.flatMap((p) => p.items).map((i) => [i.identifier, i.fingerprint]));
  }
}

/** Identifiers whose fingerprint differs between two looks at the same measurements. */
const changed = (a: Map<string, string>, b: Map<string, string>) =>
  [...b].filter(([id, fingerprint]) => a.get(id) !== fingerprint).map(([id]) => id);

Deno.test("measurements are found, and found again when something about them changes", async (t) => {
  await using lab = await CoreToolsLab.start();
  const all = Array.from({ length: 13 }, (_, i) => String(13 - i));

  await t.step("the first look finds all, newest first; afterwards there is nothing new", async () => {
    const finder = new Finder(lab);
    const pages: DiscoveryPage[] = [];
    assertEquals(await finder.look(pages), all);
    const scopes = new Map(pages[0]?.items.map((i) => [i.identifier, i.scope_identifier]));
    assertEquals([scopes.get("9"), scopes.get("1")], ["Other project", "Spin project"]);
    await finder.look();
    assertEquals(await finder.look(), []);
    finder.now += MINUTE;
    assertEquals(await finder.look(), []);
    finder.now += 10 * MINUTE;
    assertEquals(await finder.look(), all, "all again every ten minutes");
  });

  await t.step("what is not completed runs while it is young, or its cursors are seen to move", async () => {
    const finder = new Finder(lab);
    assertEquals(await finder.running(), [], "12 and 13 were left by writers that died");
    await finder.look();
    finder.now += MINUTE;
    const move = "UPDATE measurement_parameters SET write_cursor = write_cursor + 1 WHERE exp_uuid = " +
      "(SELECT uuid FROM global_measurement_overview WHERE id = 12)";
    await lab.write(move);
    assertEquals(await finder.running(), ["12"]);
    finder.now += 9 * MINUTE;
    await lab.write(move);
    assertEquals(await finder.running(), ["12"]);
    await finder.look();
    finder.now += 8 * MINUTE;
    assertEquals(await finder.look(), [], "nothing changed");
    finder.now += 3 * MINUTE;
    const pages: DiscoveryPage[] = [];
    await finder.look(pages);
    const rested = pages.flatMap((p) => p.items).find((i) => i.identifier === "12");
    assertEquals([rested !== undefined, rested?.running], [true, undefined], "told that it rests");
    const [row] = await lab.administer(
      "SELECT (uuid / 1000000)::text AS ms FROM global_measurement_overview WHERE id = 13",
    );
    const young = new Finder(lab);
    young.now = Number(row?.ms) + 9 * MINUTE;
    assertEquals((await young.running()).filter((id) => id === "13"), ["13"]);
  });

  await t.step("every late change is seen, of that measurement alone", async () => {
    const finder = new Finder(lab);
    let before = await finder.fingerprints();
    for (
      const change of [
        "exp_name = 'another name'",
        "starred = true",
        `keywords = '["a"]'`,
        "project = 'another project'",
        "sample = 'another sample'",
        "data_size = 1",
        "stop_time = now()",
        "completed = false",
        "data_cleared = true",
      ]
    ) {
      await lab.write(`UPDATE global_measurement_overview SET ${change} WHERE id = 3`);
      const after = await finder.fingerprints();
      assertEquals(changed(before, after), ["3"], change);
      before = after;
    }
  });

  await t.step("a cursor that moves is seen, at growing distances while it goes on", async () => {
    const finder = new Finder(lab);
    await finder.look();
    let known = await finder.fingerprints();
    const seen = async () => {
      const after = await finder.fingerprints();
      const news = changed(known, after);
      known = new Map([...known, ...after]);
      return news;
    };
    const move = () =>
      lab.write(
        "UPDATE measurement_parameters SET write_cursor = write_cursor + 1 WHERE exp_uuid = 1795226479822917207",
      );
    await move();
    assertEquals(await seen(), ["12"], "the first move after a rest");
    let reports = 0;
    for (let second = 0; second < 60; second++) {
      await move();
      finder.now += 1000;
      reports += (await seen()).length;
    }
    assert(reports >= 4 && reports <= 9, `${reports} reports in a minute`);
    finder.now += MINUTE;
    assertEquals(await seen(), ["12"], "the end of the movement is reported, later");
    finder.now += 10 * MINUTE;
    await seen();
    await move();
    assertEquals(await seen(), ["12"]);
  });

  await t.step("an unfinished measurement of the older layout is followed too", async () => {
    const finder = new Finder(lab);
    await lab.write("UPDATE global_measurement_overview SET completed = false WHERE id = 11");
    const before = await finder.fingerprints();
    await lab.write(`UPDATE "_1795226479392917207_old" SET write_cursor = 2 WHERE id = 1`);
    assertEquals(changed(before, await finder.fingerprints()), ["11"]);
  });

  await t.step("those of one set-up alone", async () => {
    const [row] = await lab.administer("SELECT set_up AS s FROM global_measurement_overview WHERE id = 9");
    await lab.write("UPDATE global_measurement_overview SET set_up = 'Fridge 2; DROP' WHERE id IN (9, 4)");
    assertEquals(await new Finder(lab, { set_up: "Fridge 2; DROP" }).look(), ["9", "4"]);
    assertEquals(await new Finder(lab, { set_up: "none" }).look(), []);
    assertEquals((await new Finder(lab, { set_up: String(row?.s) }).look()).length, 11);
  });

  await t.step(
    "more than one look takes in: pages, then new ones, then those that were added at once",
    async () => {
      const add = (from: number, to: number) =>
        lab.write(`INSERT INTO global_measurement_overview
        (id, uuid, exp_name, set_up, project, sample, creasted_by, completed)
        SELECT i, 1795226500000000000 + i, 'bulk', 's', '', 's', 'u', true FROM generate_series(${from}, ${to}) AS i`);
      await add(101, 2700);
      const finder = new Finder(lab);
      const pages: DiscoveryPage[] = [];
      const found = await finder.look(pages);
      assertEquals([found.length, new Set(found).size, pages.length], [2613, 2613, 2]);
      assertEquals(pages[0]?.items[0]?.scope_identifier, undefined);
      await finder.look();
      await add(2701, 2701);
      assertEquals((await finder.look()).slice(0, 2), ["2701", "2700"]);
      await add(2702, 5000);
      const news = new Set(await finder.look());
      for (let id = 2702; id <= 5000; id++) assert(news.has(String(id)), `${id} is not found`);
    },
  );

  await t.step("another database in its place is looked at from its beginning", async () => {
    const finder = new Finder(lab);
    await finder.look();
    await lab.write("DELETE FROM global_measurement_overview WHERE id > 13");
    assertEquals(await finder.look(), all);
  });

  await t.step("a table of an older release, without some columns", async () => {
    await lab.write(
      "ALTER TABLE global_measurement_overview DROP COLUMN data_update_count, DROP COLUMN data_cleared",
    );
    assertEquals(await new Finder(lab).look(), all);
    assertEquals((await lab.draft(1)).name, "1D pinch off");
  });
});
