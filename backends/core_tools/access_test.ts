/** What keeps a database from being read is said in words, belongs to the source, and heals by itself. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../tests/assert.ts";
import type { SyncError } from "../../src/kit/errors.ts";
import { only } from "../../tests/agent_process.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import coreTools from "./mod.ts";
import { databaseOf } from "./config.ts";
import { closeConnections, withSnapshot } from "./connection.ts";
import { CoreToolsLab, pathOf } from "./testing.ts";

const validate = async (config: Record<string, unknown>) => await coreTools.validate(config);
const failureOf = (work: Promise<unknown>): Promise<SyncError> =>
  work.then(() => Promise.reject(new Error("it did not fail")), (e) => e);

Deno.test("a database that cannot be read, and one that can be read in part", async (t) => {
  await using lab = await CoreToolsLab.start();
  const { config } = lab;

  await t.step("a usable configuration has no problems", async () => {
    assertEquals(await validate(config), []);
    const { password: _, ...rest } = config;
    assertMatch(only(await validate(rest)), /cannot connect/);
  });

  await t.step("no message has the password in it", async () => {
    const password = "the wrong one";
    for (
      const wrong of [{ password }, { password, user: "nobody" }, { port: 1 }, {
        host: "no.such.host.invalid",
      }]
    ) {
      const problem = only(await validate({ ...config, password, ...wrong }));
      assertStringIncludes(problem, 'cannot connect to the PostgreSQL database "coretools" on');
      assertEquals(problem.includes(password), false, problem);
    }
    assertStringIncludes(only(await validate({ ...config, password })), "password authentication failed");
  });

  await t.step("a database without core-tools' tables, and one that does not exist", async () => {
    assertStringIncludes(
      only(await validate({ ...config, dbname: "postgres" })),
      "the table global_measurement_overview is missing",
    );
    assertMatch(
      only(await validate({ ...config, dbname: "none" })),
      /cannot connect .*"none" does not exist/,
    );
    assertMatch(only(await validate({ ...config, port: 70_000 })), /^port: 70000/);
  });

  await t.step(
    "another role needs rights of the tables, then of the large objects, and is told which",
    async () => {
      await lab.server.createRole("guest", { password: "guest's" });
      const asGuest = { ...config, user: "guest", password: "guest's" };
      const tables = only(await validate(asGuest));
      assertStringIncludes(tables, "permission denied for table global_measurement_overview");
      assertStringIncludes(
        tables,
        'GRANT SELECT ON global_measurement_overview, measurement_parameters TO "guest";',
      );

      await lab.write("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest");
      const objects = only(await validate(asGuest));
      assertStringIncludes(objects, 'the role "guest" has no right to read the large objects');
      assertStringIncludes(objects, 'GRANT "reader" TO "guest";');
      assertMatch(objects, /GRANT SELECT ON LARGE OBJECT \d+ TO "guest";/);
      const read = () => lab.read(1, { config: asGuest });
      const denied = await failureOf(read());
      assertEquals([denied.class, denied.code], ["source", "large_objects_denied"]);

      // What the message says helps, object by object …
      for (const oid of [16429, 16430]) await lab.write(`GRANT SELECT ON LARGE OBJECT ${oid} TO guest`);
      assertEquals(await validate(asGuest), []);
      assert("draft" in await read());
      const other = await failureOf(lab.read(2, { config: asGuest }));
      assertEquals([other.class, other.code], ["permission", "large_objects_denied"], "the others go on");
      assertMatch(other.hint, /GRANT SELECT ON LARGE OBJECT \d+ TO "guest"/);
      // … and for all of them.
      await lab.administer(`GRANT "reader" TO "guest"`);
      assert("draft" in await lab.read(2, { config: asGuest }));
      await lab.administer(`REVOKE "reader" FROM "guest"`);
      await lab.administer(`ALTER DATABASE "coretools" SET lo_compat_privileges TO on`);
      await closeConnections();
      assert("draft" in await lab.read(2, { config: asGuest }));
    },
  );

  await t.step(
    "there is one connection, which has a name and cannot write, not even by mistake",
    async () => {
      await lab.read(1);
      const [session] = await lab.administer(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'etiket-sync' AND usename = 'reader'",
      );
      assertEquals(session, { n: 1 });
      for (const statement of ["CREATE TABLE x()", "UPDATE global_measurement_overview SET starred = true"]) {
        const refused = await failureOf(withSnapshot(databaseOf(config).server, (db) => db.query(statement)));
        assertMatch(refused.message, /read-only transaction/);
      }
      const [row] = await withSnapshot(
        databaseOf(config).server,
        (db) => db.query("SELECT current_setting('default_transaction_read_only') AS readonly"),
      );
      assertEquals(row, { readonly: "on" });
    },
  );

  await t.step("times, bytes and numbers do not depend on what the database is set to", async () => {
    const before = await netcdfContent(pathOf(await lab.draft(1)));
    for (
      const setting of ["timezone TO 'America/New_York'", "datestyle TO 'German'", "bytea_output TO 'escape'"]
    ) {
      await lab.administer(`ALTER DATABASE coretools SET ${setting}`);
    }
    await closeConnections();
    const after = await lab.draft(1);
    assertEquals(await netcdfContent(pathOf(after)), before);
    assertEquals(after.collected, "2026-11-21T02:01:19.359000+00:00");
  });

  await t.step("a server that was restarted is asked again on a new connection", async () => {
    await lab.read(1);
    await lab.server.restart();
    assert("draft" in await lab.read(1));
    await lab.server.kill();
    const lost = await failureOf(lab.read(1));
    assertEquals([lost.class, lost.code], ["source", "database_unreachable"]);
    const undiscovered = await failureOf(Promise.resolve(coreTools.discover(config, undefined)));
    assertEquals([undiscovered.class, undiscovered.code], ["source", "database_unreachable"]);
    await lab.server.resume();
    assert("draft" in await lab.read(1));
  });

  await t.step(
    "a connection that an administrator ended, and a server without room for one more",
    async () => {
      await lab.read(1);
      await lab.administer(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'etiket-sync'",
      );
      assert("draft" in await lab.read(1));
      await closeConnections();
      await lab.administer(`ALTER ROLE reader CONNECTION LIMIT 0`);
      const full = await failureOf(lab.read(1));
      assertEquals([full.class, full.code], ["source", "database_busy"]);
      await lab.administer(`ALTER ROLE reader CONNECTION LIMIT -1`);
      assert("draft" in await lab.read(1));
    },
  );

  await t.step("a statement that was ended because it took too long", async () => {
    await using _lock = await lab.hold("LOCK TABLE global_measurement_overview IN ACCESS EXCLUSIVE MODE");
    const waiting = failureOf(lab.read(1));
    await lab.cancelWaiting();
    const slow = await waiting;
    assertEquals([slow.class, slow.code], ["source", "database_timeout"]);
  });

  await t.step("a database or its role that is gone, and a table that was dropped", async () => {
    await lab.write("ALTER TABLE global_measurement_overview RENAME TO elsewhere");
    const gone = await failureOf(lab.read(1));
    assertEquals([gone.class, gone.code], ["source", "not_a_core_tools_database"]);
  });
});

Deno.test("two names of one database are one address", () => {
  const address = (more: Record<string, unknown>) => coreTools.address?.({ dbname: "d", user: "u", ...more });
  assertEquals(address({}), "postgresql://localhost:5432/d");
  for (const host of ["LOCALHOST", "127.0.0.1", "::1", "127.0.1.1"]) {
    assertEquals(address({ host }), address({}));
  }
  assertEquals(address({ user: "other", password: "x" }), address({}));
  assert(address({ host: "lab-pc" }) !== address({}));
  assert(address({ port: 5433 }) !== address({}));
  assertEquals(address({ dbname: "a/b" }), "postgresql://localhost:5432/a%2Fb");
});
