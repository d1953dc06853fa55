/** Running measurements of a real server, followed while they are written. */
import { SyncError } from "../../src/kit/errors.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../../tests/assert.ts";
import { LiveReplay } from "../../tests/live_replay.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { follow, RUNNING, Writer } from "./test_live.ts";
import coreTools from "./mod.ts";
import { CoreToolsLab, pathOf } from "./testing.ts";

/** What differs between the session's end and the file that the same measurement becomes. */
async function differencesToFile(lab: CoreToolsLab, id: string | number, replay: LiveReplay) {
  return replay.differences(await netcdfContent(pathOf(await lab.draft(id))));
}

Deno.test("running measurements are followed", async (t) => {
  await using lab = await CoreToolsLab.start();

  await t.step(
    "each look gives what the cursor passed, setpoints first, and the end is the file",
    async () => {
      await using writer = await Writer.begin(lab, [4, 5]);
      await using session = await follow(lab, writer.id);
      const replay = await new LiveReplay().drain(session);
      assertEquals(replay.structure.variables, [
        ...["v0", "v1"].map((name, i) => ({
          ...{ name, dtype: "f8" as const, dims: [name], shape: [4 + i], role: "setpoint" as const },
          ...{ units: "mV", long_name: `Gate ${i}`, depends_on: [] },
        })),
        {
          ...{
            name: "I_sd",
            dtype: "f8" as const,
            dims: ["v0", "v1"],
            shape: [4, 5],
            role: "measured" as const,
          },
          ...{ units: "nA", long_name: "Current", depends_on: ["v0", "v1"] },
        },
      ]);
      assertEquals([replay.structure.name, replay.structure.attrs.uuid], ["made by a test", writer.uuid]);
      assertEquals(replay.summary(), "v0 [4] 0 written, v1 [5] 0 written, I_sd [4,5] 0 written");

      await writer.writeBytes(7);
      await replay.drain(session);
      assertEquals(replay.writtenCount("I_sd"), 0, "bytes that no cursor counts are not there yet");
      await writer.moveCursors();
      const { changes } = await session.look();
      replay.apply(changes);
      assertEquals(changes.map((c) => c.type === "patch" ? c.var : c.type), ["v0", "v1", "I_sd", "I_sd"]);
      assertEquals(replay.written("I_sd"), Array.from({ length: 20 }, (_, i) => i < 7));
      assertEquals(replay.array("v0").slice(0, 2), [0, 1]);
      assert(Number.isNaN(replay.array("I_sd")[3]), "a NaN that was measured is data");
      assertEquals(await session.look(), { changes: [] });

      for (const points of [1, 2, 9, 1]) {
        await writer.write(points);
        await replay.drain(session);
      }
      await writer.complete();
      await replay.drain(session);
      assertEquals(replay.end, {
        reason: "completed",
        evidence: "completed = true and all values up to write_cursor 20 were read",
        complete: true,
      });
      replay.assertWrittenOnce();
      replay.assertWhole();
      assertEquals(replay.epochs, 1);
      assertEquals(await differencesToFile(lab, writer.id, replay), []);
    },
  );

  await t.step(
    "the flag may come with the last points; an aborted one keeps its cells unmeasured",
    async () => {
      await using writer = await Writer.begin(lab, [3, 3]);
      await writer.write(4);
      await using session = await follow(lab, writer.id);
      const replay = await new LiveReplay().drain(session);
      await writer.write(1);
      await writer.complete();
      await replay.drain(session);
      assertEquals(replay.end?.complete, true);
      assertEquals(replay.writtenCount("I_sd"), 5);
      assertEquals(await differencesToFile(lab, writer.id, replay), []);
    },
  );

  await t.step("a measurement that begins anew in its rows is a new epoch", async () => {
    await using writer = await Writer.begin(lab, [10]);
    await using session = await follow(lab, writer.id);
    await writer.write(6);
    const replay = await new LiveReplay().drain(session);
    await writer.restart();
    await writer.write(2);
    await replay.drain(session);
    assertEquals([replay.epochs, replay.writtenCount("I_sd")], [2, 2]);
  });

  await t.step(
    "parameters that are registered late, and those of another shape, are new epochs",
    async () => {
      const id = await lab.add([], RUNNING);
      await using session = await follow(lab, id);
      const replay = await new LiveReplay().drain(session);
      assertEquals(replay.structure.variables, []);
      const other = await lab.add([{ name: "I", shape: [4], values: [1, 2], dependencies: [] }], RUNNING);
      await lab.write(
        `UPDATE measurement_parameters AS p SET exp_uuid = o.uuid FROM global_measurement_overview AS o
      WHERE o.id = ${id} AND p.exp_uuid = (SELECT uuid FROM global_measurement_overview WHERE id = ${other})`,
      );
      await replay.drain(session);
      assertEquals([replay.epochs, replay.writtenCount("I")], [2, 2]);
      assertEquals(await differencesToFile(lab, id, replay), []);
      await lab.write(
        `UPDATE measurement_parameters AS p SET shape = '[6]' FROM global_measurement_overview AS o
      WHERE o.id = ${id} AND p.exp_uuid = o.uuid`,
      );
      await replay.drain(session);
      assertEquals([replay.epochs, replay.shape("I")], [3, [6]]);
    },
  );

  await t.step("axes of one name stay one until their values differ", async () => {
    const setpoint = (id: string, of: string, values: number[]) => ({
      ...{ id, measuredId: of, name: "x", isSetpoint: true, shape: [4], values },
    });
    const id = await lab.add([
      { name: "a", id: "1", dependencies: [3], shape: [4], values: [1, 2, 3] },
      setpoint("3", "1", [10, 11, 12]),
      { name: "b", id: "2", dependencies: [4], shape: [4], values: [1, 2] },
      setpoint("4", "2", [10, 11]),
    ], RUNNING);
    await using session = await follow(lab, id);
    const replay = await new LiveReplay().drain(session);
    assertEquals(replay.variable("b").dims, ["x"], "equal as far as both are written");
    await lab.write(
      `SELECT lo_put(oid, 16, '\\x${
        new Uint8Array(Float64Array.of(99).buffer).toHex()
      }') FROM measurement_parameters
       WHERE param_id = 4 AND name = 'x' AND exp_uuid = (SELECT max(uuid) FROM global_measurement_overview);
       UPDATE measurement_parameters SET write_cursor = 3
       WHERE param_id IN (2, 4) AND exp_uuid = (SELECT max(uuid) FROM global_measurement_overview)`,
    );
    await replay.drain(session);
    assertEquals([replay.epochs, replay.variable("b").dims], [2, ["x-1"]]);
    assertEquals(replay.array("x-1").slice(0, 3), [10, 11, 99]);
    assertEquals(await differencesToFile(lab, id, replay), []);
  });

  await t.step("the layout of older releases", async () => {
    await lab.write(`UPDATE global_measurement_overview SET completed = false WHERE id = 11`);
    await using session = await follow(lab, 11);
    const replay = await new LiveReplay().drain(session);
    assertEquals(await differencesToFile(lab, 11, replay), []);
    const ends = [replay.end?.reason];
    await lab.write(`UPDATE global_measurement_overview SET completed = true WHERE id = 11`);
    await replay.drain(session);
    assertEquals([...ends, replay.end?.reason], [undefined, "completed"]);
  });

  await t.step("measurements of the fixtures are followed to the files that they become", async () => {
    for (const id of [2, 5, 6, 7, 10, 12]) {
      await lab.write(`UPDATE global_measurement_overview SET completed = false WHERE id = ${id}`);
      await using session = await follow(lab, id);
      const replay = await new LiveReplay().drain(session);
      if (id !== 12) {
        await lab.write(`UPDATE global_measurement_overview SET completed = true WHERE id = ${id}`);
      }
      await replay.drain(session);
      assertEquals(replay.end?.complete, id === 12 ? undefined : true, `measurement ${id}`);
      assertEquals(await differencesToFile(lab, id, replay), [], `measurement ${id}`);
    }
  });

  await t.step("more than one look takes comes in several", async () => {
    const shape = [530_000];
    const id = await lab.add([
      { name: "I", shape, values: [], dependencies: [] },
    ], RUNNING);
    await lab.write(`UPDATE measurement_parameters SET write_cursor = 530000, oid = lo_from_bytea(0,
      decode(repeat('000000000000f03f', 530000), 'hex'))::int
      WHERE exp_uuid = (SELECT uuid FROM global_measurement_overview WHERE id = ${id})`);
    await using session = await follow(lab, id);
    const [first, second] = [await session.look(), await session.look()];
    assertEquals([first.more, second.more], [true, true]);
    const replay = new LiveReplay();
    for (const look of [first, second]) replay.apply(look.changes);
    await replay.drain(session);
    replay.assertWrittenOnce();
    assertEquals(replay.array("I").reduce((a, b) => a + b, 0), 530_000);
  });

  await t.step("two at once over one connection, which goes with the last of them", async () => {
    await using a = await Writer.begin(lab, [6]);
    await using b = await Writer.begin(lab, [2, 3]);
    const connections = async () =>
      Number(
        (await lab.administer(
          "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'etiket-sync live'",
        ))[0]?.n,
      );
    {
      await using first = await follow(lab, a.id);
      await using second = await follow(lab, b.id);
      const [one, two] = [new LiveReplay(), new LiveReplay()];
      for (let point = 0; point < 6; point++) {
        await Promise.all([a.write(1), b.write(1)]);
        await Promise.all([one.drain(first), two.drain(second)]);
        assertEquals([one.writtenCount("I_sd"), two.writtenCount("I_sd")], [point + 1, point + 1]);
      }
      assertEquals(await connections(), 1);
      const [state] = await lab.administer(
        "SELECT state, (SELECT count(*) FROM pg_locks AS l WHERE l.pid = a.pid) AS locks FROM pg_stat_activity AS a " +
          "WHERE application_name = 'etiket-sync live'",
      );
      assertEquals([state?.state, Number(state?.locks)], ["idle", 0], "nothing is held between two looks");
    }
    while (await connections() > 0);
  });

  await t.step("who writes may say so, and is heard at once", async () => {
    await using writer = await Writer.begin(lab, [50]);
    let woken = Promise.withResolvers<void>();
    await using session = await follow(lab, writer.id, { wake: () => woken.resolve() });
    const replay = await new LiveReplay().drain(session);
    for (const notify of ["", writer.uuid]) {
      woken = Promise.withResolvers<void>();
      await writer.write(1, { notify });
      await woken.promise;
      await replay.drain(session);
    }
    assertEquals(replay.writtenCount("I_sd"), 2);
    woken = Promise.withResolvers<void>();
    let isWoken = false;
    woken.promise.then(() => isWoken = true);
    await writer.write(1, { notify: "17" });
    // Whatever the server has to say comes ahead of its answer.
    await session.look();
    assert(!isWoken, "what concerns another measurement wakes nobody");
  });

  await t.step("it looks as often as the measurement writes asks for", async () => {
    await using writer = await Writer.begin(lab, [60]);
    let now = 0;
    await using session = await follow(lab, writer.id, { now: () => now });
    assertEquals(session.poll, { active: 50, quiet: 200 });
    const writeEvery = async (ms: number) => {
      for (let i = 0; i < 12; i++, now += ms) {
        await writer.write(1);
        await session.look();
      }
      return session.poll.active;
    };
    const [fast, slow] = [await writeEvery(20), await writeEvery(3000)];
    assertEquals([fast, slow], [20, 200]);
  });

  await t.step("a server that is started again goes on where it was", async () => {
    await using writer = await Writer.begin(lab, [10]);
    await writer.write(3);
    let now = Date.now();
    await using session = await follow(lab, writer.id, { now: () => now });
    const replay = await new LiveReplay().drain(session);
    await lab.server.kill();
    assertMatch((await session.look()).delayed ?? "", /cannot connect/);
    now += 70_000;
    const failure = await assertRejects(async () => await session.look());
    assert(failure instanceof SyncError);
    assertEquals([failure.class, failure.code], ["source", "database_unreachable"], "it lasts");
    await lab.server.resume();
    await using again = await Writer.of(lab, writer.id, [10]);
    await again.writeBytes(3);
    await again.write(2);
    await replay.drain(session);
    assertEquals([replay.epochs, replay.writtenCount("I_sd")], [1, 5]);
    replay.assertWrittenOnce();
  });

  await t.step("one that is deleted is lost", async () => {
    await using writer = await Writer.begin(lab, [3]);
    await using session = await follow(lab, writer.id);
    const replay = await new LiveReplay().drain(session);
    await lab.write(`DELETE FROM global_measurement_overview WHERE id = ${writer.id}`);
    await replay.drain(session);
    assertEquals([replay.end?.reason, replay.end?.complete], ["lost", false]);
    assertMatch(replay.end?.evidence ?? "", /no longer in the PostgreSQL database/);
  });

  await t.step("values that the cursor promises and nobody stored do not keep the end away", async () => {
    const id = await lab.add(
      [{ name: "I", shape: [5], values: [1, 2], cursor: 4, dependencies: [] }],
      RUNNING,
    );
    await using session = await follow(lab, id);
    const replay = await new LiveReplay().drain(session);
    assertEquals(replay.writtenCount("I"), 2);
    await lab.write(`UPDATE global_measurement_overview SET completed = true WHERE id = ${id}`);
    await replay.drain(session, { until: () => false });
    assertEquals(replay.end?.complete, false);
    assertMatch(replay.end?.evidence ?? "", /values that write_cursor counts are not stored/);
  });

  await t.step("one that was followed a moment ago is read to its end although it is completed", async () => {
    await using session = await follow(lab, 1, { resumed: true });
    const replay = await new LiveReplay().drain(session);
    assertEquals(replay.end?.reason, "completed");
    assertEquals(await differencesToFile(lab, 1, replay), []);
  });

  await t.step("what is completed or gone does not run", async () => {
    for (const [id, reason] of [[1, /measurement 1 is completed/], [999, /no longer in/]] as const) {
      const answer = await coreTools.live?.(lab.config, { identifier: String(id), path: "" }, {
        ...{ temp: "", timeZone: "UTC", now: () => Date.now() },
      });
      assert(answer && "not_live" in answer);
      assertMatch(answer.not_live, reason);
    }
  });
});
