/** `etiket-sync live` beside an agent that follows measurements, each command in a process of its own. */
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../tests/assert.ts";
import { startLocalApi } from "../../api/start_local_api.ts";
import { TestApi } from "../../api/test_api.ts";
import { takeLock } from "../../engine/lock.ts";
import { LiveEvent, LiveSessionView } from "../../live/live_event.ts";
import { FACTS, floats, STRUCTURE } from "../../live/test_run.ts";
import { tokenPath, writeAddress } from "../../sdk/agent_address.ts";
import { LiveModel } from "../../sdk/live_model.ts";
import { runCli, runJson } from "../test_cli.ts";
import { liveFrame, liveLine, measuredPoints, PointRate, sessionList } from "./live_text.ts";

Deno.test("live lists what is measured, and follows one until its end", async (t) => {
  await using test = await TestApi.open();
  const { agent, serving } = test;
  const home = join(test.root, "home");
  const lock = takeLock(join(home, "agent.lock"));
  const api = await startLocalApi({ agent, serving, host: "127.0.0.1", port: 0, tokenPath: tokenPath(home) });
  const started = new Date().toISOString();
  try {
    await writeAddress(home, { pid: Deno.pid, url: api.url, started, version: "1" });
    const feed = serving.live.begin(FACTS);
    feed.open(STRUCTURE);
    feed.apply([floats("x", [0], [3], [1, NaN, 3])]);

    await t.step("as a table and as JSON", async () => {
      const { stdout } = await runCli(["live"], { home });
      for (const part of [feed.id, "gate sweep", "fridge", "running"]) assertStringIncludes(stdout, part);
      const list = LiveSessionView.array().parse(await runJson(["live"], home));
      assertEquals(list.map((s) => s.id), [feed.id]);
    });

    await t.step("unknown names are refused with a hint", async () => {
      const { code, stderr } = await runCli(["live", "nowhere"], { home });
      assertEquals(code, 2);
      assertStringIncludes(stderr, "etiket-sync live");
    });

    await t.step("by dataset, name or the beginning of the id; as lines and as events", async () => {
      const following = [
        runCli(["live", FACTS.dataset_uuid ?? ""], { home }),
        runCli(["live", "gate sweep", "--json"], { home }),
        runCli(["live", feed.id.slice(0, 8), "--json"], { home }),
      ];
      feed.apply([floats("x", [3], [1], [4])]);
      feed.end({ reason: "completed", evidence: "is_completed = 1", complete: true });
      const [lines, ...events] = await Promise.all(following);
      assertEquals(lines?.code, 0);
      assertMatch(lines?.stdout ?? "", /gate sweep: ended \(completed\): is_completed = 1; x 4, y 0/);
      for (const { stdout } of events) {
        const model = new LiveModel();
        for (const line of stdout.trimEnd().split("\n")) model.apply(LiveEvent.parse(JSON.parse(line)));
        assertEquals([...model.variables.get("x")?.values() ?? []], [1, NaN, 3, 4]);
        assertEquals(model.end?.reason, "completed");
      }
    });
  } finally {
    await api.close();
    lock.release();
  }
});

Deno.test("a measurement in words: points, rate and state", () => {
  const model = new LiveModel();
  const [session, epoch, t] = ["s", "e", 0];
  const stamp = (seq: number) => ({ session, epoch, seq, t });
  const { source, backend, dataset_uuid } = FACTS;
  model.apply({ type: "open", ...stamp(1), source, backend, dataset_uuid, ...STRUCTURE });
  model.apply({ ...floats("y", [0, 0], [2, 3], [1, 2, 3, 4, 5, 6]), ...stamp(2) });
  const rate = new PointRate();
  rate.add(0, 0);
  rate.add(measuredPoints(model), 500);
  assertEquals(liveLine(model, rate), "gate sweep: running, 12 points per second; x 0, y 6, n 0, label 0");
  const view: LiveSessionView = {
    ...FACTS,
    id: "s",
    epoch,
    seq: 2,
    state: "running",
    started: "2026-03-01T12:00:00Z",
    updated: "2026-03-01T12:00:05Z",
    end: null,
  };
  const frame = liveFrame(model, view, rate, 60);
  assert(frame.every((line) => line.length <= 60));
  assertMatch(frame.join("\n"), /gate sweep\nfridge \(qcodes\), since .*\nrunning, 12 points per second\n/);
  assertMatch(frame.join("\n"), /\ny +measured +6 +2 × 3/);
  model.apply({ type: "state", ...stamp(3), state: "reading_delayed" });
  assertStringIncludes(liveLine(model, rate), "gate sweep: reading delayed;");
  assertMatch(sessionList([view], Date.parse("2026-03-01T12:00:10Z")), /s +sweep +fridge +running +2 /);
  assertEquals(sessionList([], 0), "Nothing is being measured.");
});
