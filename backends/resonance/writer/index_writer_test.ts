import { assert, assertEquals, assertThrows } from "../../../tests/assert.ts";
import { IndexWriter, RunWriter, WriterDatabaseError, WriterStateError } from "../mod.ts";
import { rows, schemaOf, WriterFolder } from "./testing.ts";

const FIXTURE = new URL("../../../tests/fixtures/resonance/index.db", import.meta.url).pathname;

Deno.test("the schema is that of the index that Python makes, and making it again changes nothing", () => {
  using folder = new WriterFolder();
  const path = folder.path("index.db");
  const index = new IndexWriter(path);
  assertThrows(() => Deno.statSync(path));
  index.ensureSchema();
  assertEquals(schemaOf(path), schemaOf(FIXTURE));
  const before = Deno.readFileSync(path);
  index.ensureSchema();
  assertEquals(Deno.readFileSync(path), before);
});

Deno.test("other content is refused", () => {
  using folder = new WriterFolder();
  RunWriter.with(folder.path("a.db"), { name: "s" }, () => {});
  Deno.writeTextFileSync(folder.path("text.db"), "no database".repeat(100));
  for (const name of ["a.db", "text.db"]) {
    const before = Deno.readFileSync(folder.path(name));
    const error = assertThrows(() => new IndexWriter(folder.path(name)).ensureSchema());
    assert(error instanceof WriterDatabaseError);
    assertEquals(Deno.readFileSync(folder.path(name)), before);
  }
});

Deno.test("researchers and beamtimes are entered once, and what is given later is added", () => {
  using folder = new WriterFolder();
  const index = new IndexWriter(folder.path("index.db"));
  const a = index.registerResearcher("A", "/data/a", { email: "a@lab.org" });
  const b = index.registerResearcher("B", "/data/b");
  assertEquals(index.registerResearcher("A", "/data/a", { orcid: "0000", email: null }), a);
  assertEquals(rows(folder.path("index.db"), "SELECT id, name, email, orcid, affiliation FROM researchers"), [
    { id: a, name: "A", email: "a@lab.org", orcid: "0000", affiliation: null },
    { id: b, name: "B", email: null, orcid: null, affiliation: null },
  ]);
  const first = index.registerBeamtime(a, "March", "/data/a/march.db", { timeStart: 12.5 });
  assertEquals(index.registerBeamtime(a, "again", "/data/a/march.db"), first);
  assert(index.registerBeamtime(b, "March", "/data/b/march.db") !== first);
  assertEquals(rows(folder.path("index.db"), "SELECT label, time_start FROM beamtimes"), [
    { label: "March", time_start: 12.5 },
    { label: "March", time_start: null },
  ]);
});

Deno.test("a run is entered or replaced; unknown researchers and beamtimes change nothing", () => {
  using folder = new WriterFolder();
  const path = folder.path("index.db");
  const index = new IndexWriter(path);
  const code = (call: () => unknown) => {
    const error = assertThrows(call);
    assert(error instanceof WriterStateError, error.message);
    return error.code;
  };
  assertEquals(code(() => index.registerBeamtime(7, "x", "x.db")), "researcher_not_found");
  const researcher = index.registerResearcher("A", "/data/a");
  assertEquals(code(() => index.indexRun("u", researcher, 7, "scan")), "beamtime_not_found");
  const beamtime = index.registerBeamtime(researcher, "March", "march.db");
  assertEquals(code(() => index.indexRun("u", 7, beamtime, "scan")), "researcher_not_found");
  assertEquals(rows(path, "SELECT * FROM runs_index"), []);
  const before = Date.now() / 1000;
  index.indexRun("u", researcher, beamtime, "scan");
  const [row] = rows(path, "SELECT time_start AS t FROM runs_index");
  assert(Number(row?.t) >= before && Number(row?.t) <= Date.now() / 1000);
  index.indexRun("u", researcher, beamtime, "count", { sampleName: "PS", timeStart: 5, tags: ["a", "b"] });
  assertEquals(rows(path, "SELECT * FROM runs_index"), [{
    uid: "u",
    researcher_id: researcher,
    beamtime_id: beamtime,
    plan_name: "count",
    sample_name: "PS",
    time_start: 5,
    tags: '["a", "b"]',
  }]);
});
