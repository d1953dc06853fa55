import postgres from "postgres";
import { assertEquals, assertRejects, assertStringIncludes } from "./assert.ts";
import { PostgresServer } from "./postgres_server.ts";

const DUMP = new URL("fixtures/core_tools/core_tools.sql", import.meta.url);

Deno.test("a PostgreSQL server of its own loads a dump, refuses wrong passwords, and keeps its data over a restart", async () => {
  await using server = await PostgresServer.start();
  await server.createRole("reader", { password: "it's secret" });
  await server.createDatabase("coretools", "reader");
  await server.loadSql("coretools", "reader", DUMP);

  const connect = (password: string) =>
    postgres({
      ...{ host: server.host, port: server.port, database: "coretools", username: "reader", password },
      ...{ max: 1, onnotice: () => {} },
    });
  // As the role: a large object of another owner would be refused.
  const countAndFirstValue = async () => {
    const client = connect("it's secret");
    try {
      const [row] = await client.unsafe(
        "SELECT (SELECT count(*)::int FROM global_measurement_overview) AS measurements, length(lo_get(16429)) AS bytes",
      );
      return { ...row };
    } finally {
      await client.end();
    }
  };
  const expected = { measurements: 13, bytes: 41 * 8 };
  assertEquals(await countAndFirstValue(), expected);

  const stranger = connect("guessed");
  const refusal = await assertRejects(() => stranger.unsafe("SELECT 1"));
  await stranger.end();
  assertStringIncludes(refusal.message, 'password authentication failed for user "reader"');

  await server.restart();
  assertEquals(await countAndFirstValue(), expected);
  await server.kill();
  await assertRejects(countAndFirstValue);
  await server.resume();
  assertEquals(await countAndFirstValue(), expected);
});
