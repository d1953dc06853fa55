import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../../tests/assert.ts";
import { SyncError } from "../../kit/errors.ts";
import { Agent } from "../agent.ts";
import { CHECKS, doctor, type DoctorReport } from "./doctor.ts";
import { type Check, fail, ok, warn } from "./doctor_checks/check.ts";
import { fileEvents } from "./doctor_checks/file_events.ts";
import { stateFolder } from "./doctor_checks/state_folder.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.chmod(folder, 0o700);
    await Deno.remove(folder, { recursive: true });
  }
}

const by = (report: DoctorReport, id: string) => report.checks.find((c) => c.id === id);
const nowhere = {
  home: "/nowhere",
  agent: null,
  openError: new SyncError("local", "catalog_unusable", "damaged", { hint: "Move it." }),
};

Deno.test("the worst finding decides, and each says what to do", async () => {
  const check = (id: string, run: Check["run"]): Check => ({ id, title: id, run });
  const all = [check("a", () => ok("fine")), check("b", () => [warn("w", "do b"), ok("x")])];
  assertEquals((await doctor(nowhere, all)).status, "warn");
  const broken = check("c", () => {
    throw new Error("bug");
  });
  const report = await doctor(nowhere, [...all, check("d", () => fail("f", "do d")), broken]);
  assertEquals([report.status, report.checks.length], ["fail", 5]);
  for (const c of report.checks) assertEquals(c.fix !== "", c.status !== "ok", c.id);
});

Deno.test("a healthy state folder has no failure; an unreadable source has one of its own", () =>
  inFolder(async (folder) => {
    const home = join(folder, "home");
    const agent = await Agent.open({ home });
    try {
      const healthy = await doctor({ home, agent, openError: null });
      assertEquals(healthy.checks.filter((c) => c.status === "fail"), []);
      assertEquals(new Set(healthy.checks.map((c) => c.id)).size, CHECKS.length);
      assertMatch(by(healthy, "versions")?.detail ?? "", /HDF5 \d+\.\d+.*SQLite \d+\.\d+/);
      assertMatch(by(healthy, "catalog")?.detail ?? "", /intact/);

      const root = join(folder, "data");
      await Deno.mkdir(root);
      const config = { root_directory: root, is_server_folder: false };
      await agent.sources.add({ name: "raw", backend: "folderbase", config, scope: "default" });
      const good = await doctor({ home, agent, openError: null });
      assertEquals(by(good, "sources")?.status, "ok");
      const watching = by(good, "source_events");
      assertEquals([watching?.subject, watching?.detail], ["raw", "changes are noticed at once"]);
      await Deno.remove(root);
      const gone = by(await doctor({ home, agent, openError: null }), "sources");
      assertEquals([gone?.status, gone?.subject], ["fail", "raw"]);
      assertMatch(gone?.fix ?? "", /\S/);
    } finally {
      await agent.close();
    }
  }));

Deno.test("without an agent the checks that need none still run, the others say why they cannot", async () => {
  const report = await doctor(nowhere);
  assertEquals(by(report, "catalog")?.status, "fail");
  assertMatch(by(report, "catalog")?.detail ?? "", /damaged/);
  assertEquals(by(report, "catalog")?.fix, "Move it.");
  assertEquals(by(report, "versions")?.status, "ok");
  assertEquals(by(report, "state_folder")?.status, "fail");
});

Deno.test("a state folder that others can read is worth a warning", () =>
  inFolder(async (home) => {
    if (Deno.build.os === "windows") return;
    await Deno.chmod(home, 0o755);
    const result = await stateFolder.run({ home, agent: null, openError: null });
    assert(!Array.isArray(result));
    assertEquals(result.status, "warn");
    assertMatch(result.fix, /chmod 700/);
  }));

Deno.test("the event probe leaves nothing behind", () =>
  inFolder(async (home) => {
    const result = await fileEvents.run({ home, agent: null, openError: null });
    assert(!Array.isArray(result));
    assert(result.status === "ok" || result.status === "warn");
    assertEquals([...Deno.readDirSync(home)], []);
  }));
